//! Which users go in one call of the card; pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::mixpanel::cards::profiles::{Connection, Input};

/// As many as Mixpanel takes in one request, so that a call is one request.
pub const MAX_USERS: usize = 2_000;

/// Of the parameters of a call in Obelisk's database, which takes 1 MiB from 0.42 on.
const MAX_BYTES: usize = 500_000;

/// Batches of the `open` ones of `users`, in their order, that may be sent at the same time.
///
/// No profile id is in two of them: of two users with the same id, the first one must reach
/// Mixpanel first, since the first value of a property stays. So the second is in the batch of the
/// first or in none; once the first is settled, another round takes it.
pub fn of(
    connection: &Connection,
    users: &[Input],
    open: &[usize],
    max_users: usize,
) -> Vec<Vec<usize>> {
    let max_bytes = MAX_BYTES.saturating_sub(stored_bytes(connection));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    // Of the last batch.
    let mut bytes = 0;
    let mut batch_of = BTreeMap::new();
    for &user in open {
        let more = stored_bytes(&users[user]);
        let last = batches.len();
        let fits = batches
            .last()
            .is_some_and(|batch| batch.len() < max_users && bytes + more <= max_bytes);
        let number = if fits { last - 1 } else { last };
        let profile_id = users[user].profile.profile_id.as_str();
        if *batch_of.entry(profile_id).or_insert(number) != number {
            continue;
        }
        if fits {
            bytes += more;
        } else {
            batches.push(Vec::new());
            bytes = more;
        }
        batches[number].push(user);
    }
    batches
}

/// What Obelisk stores for it, with a comma: the same value as JSON, though names are spelled in
/// another way.
fn stored_bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(MAX_BYTES, |json| json.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixpanel::cards::profiles::{Profile, Properties, Region};

    fn connection() -> Connection {
        Connection {
            project_token: "token".into(),
            region: Region::Standard,
            base_url: None,
            max_retries: None,
        }
    }

    fn user(profile_id: &str, name_bytes: usize) -> Input {
        Input {
            profile: Profile {
                profile_id: profile_id.into(),
                ip_address: None,
                time: None,
            },
            properties: Properties {
                avatar: None,
                name: Some("n".repeat(name_bytes)),
                first_name: None,
                last_name: None,
                created: None,
                email: None,
                phone: None,
                custom_properties: None,
                dynamic_fields: Vec::new(),
            },
        }
    }

    fn batches(users: &[Input], max_users: usize) -> Vec<Vec<usize>> {
        let open: Vec<usize> = (0..users.len()).collect();
        of(&connection(), users, &open, max_users)
    }

    /// Batches until every user was in one, each round as if all of its users were settled.
    fn rounds(users: &[Input], max_users: usize) -> Vec<Vec<Vec<usize>>> {
        let mut open: Vec<usize> = (0..users.len()).collect();
        let mut rounds = Vec::new();
        while !open.is_empty() {
            let batches = of(&connection(), users, &open, max_users);
            open.retain(|user| !batches.concat().contains(user));
            rounds.push(batches);
        }
        rounds
    }

    #[test]
    fn no_users_make_no_batch() {
        assert!(batches(&[], MAX_USERS).is_empty());
    }

    #[test]
    fn a_batch_holds_as_many_users_as_it_may() {
        let users: Vec<Input> = (0..7).map(|i| user(&i.to_string(), 1)).collect();
        assert_eq!(batches(&users, 3), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
    }

    #[test]
    fn a_batch_holds_as_many_bytes_as_it_may() {
        let users: Vec<Input> = (0..100).map(|i| user(&i.to_string(), 20_000)).collect();
        let batches = batches(&users, MAX_USERS);
        assert_eq!(batches.concat(), (0..100).collect::<Vec<_>>());
        for batch in &batches {
            let inputs: Vec<&Input> = batch.iter().map(|&user| &users[user]).collect();
            let parameters = serde_json::to_vec(&(connection(), &inputs)).unwrap();
            assert!(parameters.len() <= MAX_BYTES);
            if batch.last() != Some(&99) {
                assert!(parameters.len() + 20_400 > MAX_BYTES, "there was room");
            }
        }
    }

    #[test]
    fn a_user_of_more_bytes_than_a_batch_is_alone() {
        let users = [user("a", 1), user("b", MAX_BYTES), user("c", 1)];
        assert_eq!(batches(&users, MAX_USERS), [[0], [1], [2]]);
    }

    #[test]
    fn the_same_profile_id_is_in_one_batch_or_waits() {
        let users = ["a", "b", "a", "c", "b", "d", "a"].map(|id| user(id, 1));
        assert_eq!(
            rounds(&users, 3),
            [vec![vec![0, 1, 2], vec![3, 5]], vec![vec![4, 6]]]
        );
    }

    #[test]
    fn one_profile_id_alone_keeps_its_order() {
        let users: Vec<Input> = (0..10).map(|_| user("a", 1)).collect();
        let rounds = rounds(&users, 4);
        assert!(rounds.iter().all(|batches| batches.len() == 1));
        assert_eq!(rounds.concat().concat(), (0..10).collect::<Vec<_>>());
    }
}
