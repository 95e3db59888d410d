//! The outgoing half of `wasi:http`: a request's body, and the answer that is to come.
//!
//! `wasmtime-wasi-http` gives each request two tasks and two channels, so that a body can be sent
//! while the guest still writes it. Here requests go out whole (they may have to go out twice), so
//! that the guest's own task can send them: these functions take the place of the library's, and
//! everything else of the interface remains the library's.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, OutputStream, Pollable, StreamError,
};
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p2::body::HostIncomingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{Error, FieldMap, RequestOptions, WasiBody};
use wasmtime_wasi_io::poll::subscribe;

use crate::engine::State;

/// The version that `wasmtime-wasi-http` links; guests of an older one are linked to it too.
const TYPES: &str = "wasi:http/types@0.2.12";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";
const STREAMS: &str = "wasi:io/streams@0.2.12";

/// The most that a guest may write at once.
const CHUNK: usize = 1 << 20;

/// Links `wasi:http/outgoing-handler`, and puts this file's functions in the place of those that
/// `wasi:http/types` has been linked to.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker
        .instance(HANDLER)?
        .func_wrap("handle", |mut store, (request, options)| {
            Ok((handle(store.data_mut(), request, options)?,))
        })?;

    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap("[method]outgoing-request.body", |mut store, (request,)| {
        Ok((body(store.data_mut(), &request)?,))
    })?;
    types.resource(
        "outgoing-body",
        ResourceType::host::<OutgoingBody>(),
        |mut store, id| {
            let table = &mut store.data_mut().table;
            table.delete(Resource::<OutgoingBody>::new_own(id))?.abort();
            Ok(())
        },
    )?;
    types.func_wrap("[method]outgoing-body.write", |mut store, (body,)| {
        Ok((write(&mut store.data_mut().table, &body)?,))
    })?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |mut store, (body, trailers)| Ok((finish(&mut store.data_mut().table, body, trailers)?,)),
    )?;
    types.resource(
        "future-incoming-response",
        ResourceType::host::<ComingResponse>(),
        drop_resource::<ComingResponse>,
    )?;
    types.func_wrap(
        "[method]future-incoming-response.subscribe",
        |mut store,
         (response,): (Resource<ComingResponse>,)|
         -> wasmtime::Result<(Resource<DynPollable>,)> {
            Ok((subscribe(&mut store.data_mut().table, response)?,))
        },
    )?;
    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut store, (response,)| Ok((get(store.data_mut(), &response)?,)),
    )?;

    // None of the streams here has anything to wait for when it goes, as the library's way allows for.
    let mut streams = linker.instance(STREAMS)?;
    streams.resource(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        drop_resource::<DynInputStream>,
    )?;
    streams.resource(
        "output-stream",
        ResourceType::host::<DynOutputStream>(),
        drop_resource::<DynOutputStream>,
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// A resource that has nothing to do when the guest drops it.
fn drop_resource<T: Send + 'static>(
    mut store: StoreContextMut<'_, State>,
    id: u32,
) -> wasmtime::Result<()> {
    let table = &mut store.data_mut().table;
    table.delete(Resource::<T>::new_own(id))?;
    Ok(())
}

/// What the guest has written of a request's body.
#[derive(Default)]
struct Upload {
    first: Bytes,
    rest: BytesMut,
    /// What the request's head says of the length.
    expected: Option<u64>,
    /// The most that may be sent.
    max: usize,
    end: End,
    /// Who waits for the end.
    reader: Option<Waker>,
}

#[derive(Default)]
enum End {
    #[default]
    Open,
    Finished,
    Failed(Error),
    /// Handed over.
    Gone,
}

impl Upload {
    fn length(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn push(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        if !matches!(self.end, End::Open) {
            return Err(StreamError::Closed);
        }
        let length = self.length() + bytes.len();
        if length > self.max {
            let max = self.max as u64;
            self.end(End::Failed(Error::HttpRequestBodySize(Some(max))));
            return Err(StreamError::Closed);
        }
        if self
            .expected
            .is_some_and(|expected| length as u64 > expected)
        {
            return Err(StreamError::LastOperationFailed(
                ErrorCode::HttpRequestBodySize(Some(length as u64)).into(),
            ));
        }
        if self.length() == 0 {
            self.first = bytes;
        } else {
            self.rest.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// The first end counts.
    fn end(&mut self, end: End) {
        if matches!(self.end, End::Open) {
            self.end = end;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
    }

    fn take(&mut self) -> Bytes {
        let first = mem::take(&mut self.first);
        if self.rest.is_empty() {
            return first;
        }
        let mut whole = BytesMut::with_capacity(first.len() + self.rest.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&mem::take(&mut self.rest));
        whole.freeze()
    }
}

/// An upload that the guest's stream, its body and the request share.
#[derive(Clone)]
struct Shared(Arc<Mutex<Upload>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Upload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The resource `outgoing-body`.
struct OutgoingBody {
    upload: Shared,
    has_stream: bool,
}

impl OutgoingBody {
    fn abort(self) {
        self.upload
            .lock()
            .end(End::Failed(Error::HttpProtocolError));
    }
}

/// The stream that the guest writes a body to.
struct BodyStream(Shared);

#[async_trait::async_trait]
impl OutputStream for BodyStream {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        if bytes.len() > CHUNK {
            return Err(StreamError::trap("write exceeded budget"));
        }
        self.0.lock().push(bytes)
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        self.check_write().map(drop)
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        match self.0.lock().end {
            End::Open => Ok(CHUNK),
            _ => Err(StreamError::Closed),
        }
    }
}

#[async_trait::async_trait]
impl Pollable for BodyStream {
    /// There is always room, up to the limit.
    async fn ready(&mut self) {}
}

/// The body as the request has it: one piece, once the guest has finished it.
struct Whole(Shared);

impl Body for Whole {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut upload = self.0.lock();
        match mem::replace(&mut upload.end, End::Gone) {
            End::Open => {
                upload.end = End::Open;
                upload.reader = Some(context.waker().clone());
                Poll::Pending
            }
            End::Finished => Poll::Ready(Some(Ok(Frame::data(upload.take())))),
            End::Failed(error) => Poll::Ready(Some(Err(error))),
            End::Gone => Poll::Ready(None),
        }
    }
}

fn body(
    state: &mut State,
    request: &Resource<HostOutgoingRequest>,
) -> wasmtime::Result<Result<Resource<OutgoingBody>, ()>> {
    let max = state.hooks.outbound().max_request();
    let request = state.table.get_mut(request)?;
    if request.body.is_some() {
        return Ok(Err(()));
    }
    let upload = Shared(Arc::new(Mutex::new(Upload {
        expected: content_length(&request.headers),
        max,
        ..Upload::default()
    })));
    request.body = Some(Whole(upload.clone()).boxed_unsync());
    let body = OutgoingBody {
        upload,
        has_stream: false,
    };
    Ok(Ok(state.table.push(body)?))
}

/// `FieldMap` takes no other value than one number.
fn content_length(headers: &FieldMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

fn write(
    table: &mut ResourceTable,
    id: &Resource<OutgoingBody>,
) -> wasmtime::Result<Result<Resource<DynOutputStream>, ()>> {
    let body = table.get_mut(id)?;
    if mem::replace(&mut body.has_stream, true) {
        return Ok(Err(()));
    }
    let stream: DynOutputStream = Box::new(BodyStream(body.upload.clone()));
    Ok(Ok(table.push_child(stream, id)?))
}

fn finish(
    table: &mut ResourceTable,
    body: Resource<OutgoingBody>,
    trailers: Option<Resource<FieldMap>>,
) -> wasmtime::Result<Result<(), ErrorCode>> {
    let body = table.delete(body)?;
    if let Some(trailers) = trailers {
        // They have no place in a request of a known length.
        table.delete(trailers)?;
    }
    let mut upload = body.upload.lock();
    let length = upload.length() as u64;
    if upload.expected.is_some_and(|expected| expected != length) {
        upload.end(End::Failed(Error::HttpProtocolError));
        return Ok(Err(ErrorCode::HttpRequestBodySize(Some(length))));
    }
    upload.end(End::Finished);
    Ok(Ok(()))
}

type Answer = Result<Response<WasiBody>, ErrorCode>;

/// The resource `future-incoming-response`.
enum ComingResponse {
    /// Goes on for as long as the guest waits for it.
    Pending(Pin<Box<dyn Future<Output = Answer> + Send>>),
    Ready(Answer),
    Consumed,
}

#[async_trait::async_trait]
impl Pollable for ComingResponse {
    async fn ready(&mut self) {
        if let ComingResponse::Pending(answer) = self {
            *self = ComingResponse::Ready(answer.await);
        }
    }
}

fn handle(
    state: &mut State,
    request: Resource<HostOutgoingRequest>,
    options: Option<Resource<RequestOptions>>,
) -> wasmtime::Result<Result<Resource<ComingResponse>, ErrorCode>> {
    let request = state.table.delete(request)?;
    let options = match options {
        Some(options) => state.table.delete(options)?,
        None => RequestOptions::default(),
    };
    let request = match assemble(request) {
        Ok(request) => request,
        Err(code) => return Ok(Err(code)),
    };
    let outbound = Arc::clone(state.hooks.outbound());
    let response = if outbound.allows(request.uri()) {
        ComingResponse::Pending(Box::pin(
            async move { outbound.send(request, options).await },
        ))
    } else {
        ComingResponse::Ready(Err(ErrorCode::HttpRequestDenied))
    };
    Ok(Ok(state.table.push(response)?))
}

fn assemble(request: HostOutgoingRequest) -> Result<Request<WasiBody>, ErrorCode> {
    let promised = content_length(&request.headers).unwrap_or(0);
    let body = match request.body {
        Some(body) => body,
        None if promised == 0 => http_body_util::Empty::new()
            .map_err(|never| match never {})
            .boxed_unsync(),
        None => return Err(ErrorCode::HttpRequestBodySize(Some(0))),
    };
    let scheme = match request.scheme {
        None | Some(types::Scheme::Https) => "https",
        Some(types::Scheme::Http) => "http",
        Some(types::Scheme::Other(_)) => return Err(ErrorCode::HttpProtocolError),
    };
    let authority = request.authority.unwrap_or_default();
    let host = HeaderValue::from_str(&authority).map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(request.path_with_query.as_deref().unwrap_or("/"))
        .build()
        .map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let mut whole = Request::new(body);
    *whole.method_mut() = method(request.method)?;
    *whole.uri_mut() = uri;
    *whole.headers_mut() = request.headers.into();
    whole.headers_mut().insert(header::HOST, host);
    Ok(whole)
}

fn method(method: types::Method) -> Result<Method, ErrorCode> {
    Ok(match method {
        types::Method::Get => Method::GET,
        types::Method::Head => Method::HEAD,
        types::Method::Post => Method::POST,
        types::Method::Put => Method::PUT,
        types::Method::Delete => Method::DELETE,
        types::Method::Connect => Method::CONNECT,
        types::Method::Options => Method::OPTIONS,
        types::Method::Trace => Method::TRACE,
        types::Method::Patch => Method::PATCH,
        types::Method::Other(name) => {
            Method::from_bytes(name.as_bytes()).map_err(|_| ErrorCode::HttpRequestMethodInvalid)?
        }
    })
}

type Got = Option<Result<Result<Resource<HostIncomingResponse>, ErrorCode>, ()>>;

fn get(state: &mut State, response: &Resource<ComingResponse>) -> wasmtime::Result<Got> {
    let coming = state.table.get_mut(response)?;
    if let ComingResponse::Pending(answer) = coming {
        // A guest may ask again and again instead of waiting.
        let mut context = Context::from_waker(Waker::noop());
        match answer.as_mut().poll(&mut context) {
            Poll::Pending => return Ok(None),
            Poll::Ready(answer) => *coming = ComingResponse::Ready(answer),
        }
    }
    let answer = match mem::replace(coming, ComingResponse::Consumed) {
        ComingResponse::Ready(answer) => answer,
        ComingResponse::Pending(_) | ComingResponse::Consumed => return Ok(Some(Err(()))),
    };
    let (parts, body) = match answer {
        Ok(response) => response.into_parts(),
        Err(code) => return Ok(Some(Ok(Err(code)))),
    };
    let response = HostIncomingResponse {
        status: parts.status.as_u16(),
        headers: FieldMap::new_immutable(&mut state.hooks, parts.headers),
        body: Some(HostIncomingBody::new(body)),
    };
    Ok(Some(Ok(Ok(state.table.push(response)?))))
}
