//! The measure: hyper-util's client alone, which sends the bytes that the card sends.

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::load::Caller;

/// A client, and the one request that it sends.
#[derive(Clone)]
pub struct Bare {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    body: Bytes,
}

impl Bare {
    pub fn new(origin: &str, body: Bytes) -> Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(64)
            .build(tcp);
        Ok(Bare {
            client,
            uri: format!("{origin}/engage?ip=0&verbose=1&strict=1").parse()?,
            body,
        })
    }

    /// The same client, to send another body.
    pub fn with_body(&self, body: Bytes) -> Self {
        Bare {
            body,
            ..self.clone()
        }
    }
}

impl Caller for Bare {
    /// Sends the request, and reads the answer to its end.
    async fn call(&self) -> Result<()> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static("mixpanel-create-profile/0.1.0"),
        );
        let response = self.client.request(request).await?;
        let status = response.status();
        response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{status}");
        Ok(())
    }
}
