//! Each rule against each client and each scope.

use super::super::identity::{Identity, Name, Scopes};
use super::*;

fn user(name: &str) -> Identity {
    Identity::named(Name::User(name.to_owned()))
}

fn token(name: &str, may: &[Action], modules: Option<&str>) -> Identity {
    let scopes = Scopes { may: may.to_vec(), modules: modules.map(Patterns::parse) };
    Identity { scopes: Some(scopes), ..Identity::named(Name::Token(name.to_owned())) }
}

fn subject(groups: &[&str]) -> Identity {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    let name = Name::Subject { issuer: "ci".to_owned(), subject: "repo:corp/a".to_owned() };
    Identity { groups, ..Identity::named(name) }
}

fn rule(who: &[&str], may: &[Action], modules: Option<&str>, refuse: Option<&str>) -> AccessRule {
    AccessRule {
        who: who.iter().filter_map(|who| Who::parse(who).ok()).collect(),
        may: may.to_vec(),
        modules: modules.map(Patterns::parse),
        refuse: refuse.map(str::to_owned),
    }
}

fn module(path: &str) -> Scope {
    Scope::Module(path.to_owned())
}

/// A letter for each scope of `scopes`: open to anyone, private, refused by a rule, not allowed, out of scope.
fn row(rules: &Rules, identity: Option<&Identity>, certificate: &[String]) -> String {
    let scopes = [
        Scope::Open,
        Scope::Page,
        Scope::Metrics,
        Scope::Admin,
        Scope::AnyModule,
        Scope::AllModules,
        module("corp.example/a/x"),
        module("corp.example/a"),
        module("corp.example/ab"),
        module("corp.example/b"),
        module("golang.org/x/text"),
    ];
    let letter = |scope: &Scope| match rules.judge(Client { identity, certificate }, scope) {
        Verdict::Public => 'P',
        Verdict::Private => 'Y',
        Verdict::Refused(Some(_)) => 'R',
        Verdict::Refused(None) => 'n',
        Verdict::OutOfScope => 's',
    };
    scopes.iter().map(letter).collect()
}

fn two_teams() -> Rules {
    let members = |names: &[&str]| names.iter().filter_map(|name| Who::parse(name).ok()).collect();
    let groups = vec![
        ("team-a".to_owned(), members(&["user:alice", "token:ci-a", "cert:a.corp.example"])),
        ("team-b".to_owned(), members(&["user:bob"])),
    ];
    let rules = vec![
        rule(&["group:team-a"], &[Action::Read], Some("corp.example/a"), None),
        rule(&["group:team-b"], &[Action::Read], Some("corp.example/b"), None),
        rule(&["anyone"], &[Action::Read], Some("corp.example"), Some("ask the team")),
        rule(&["user:mirror"], &[Action::Read], None, None),
        rule(&["signed-in"], &[Action::Read, Action::Page], None, None),
        rule(&["user:prom"], &[Action::Metrics], None, None),
        rule(&["user:root"], &[Action::Admin, Action::Metrics], None, None),
        rule(&["anyone"], &[Action::Read], Some("golang.org"), None),
    ];
    Rules::new(&rules, &groups)
}

#[test]
fn every_client_against_every_scope() {
    let rules = two_teams();
    let certificate = ["a.corp.example".to_owned()];
    for (who, identity, certificate, expected) in [
        // Open Page Metrics Admin Any All a/x a ab b golang.org
        ("nobody", None, &[][..], "Pnnn".to_owned() + "PR" + "RRRR" + "P"),
        ("alice", Some(user("alice")), &[], "PYnn".to_owned() + "YR" + "YYRR" + "Y"),
        ("bob", Some(user("bob")), &[], "PYnn".to_owned() + "YR" + "RRRY" + "Y"),
        ("carol", Some(user("carol")), &[], "PYnn".to_owned() + "YR" + "RRRR" + "Y"),
        ("prom", Some(user("prom")), &[], "PYYn".to_owned() + "YR" + "RRRR" + "Y"),
        ("root", Some(user("root")), &[], "PYYY".to_owned() + "YR" + "RRRR" + "Y"),
        // A name is a name only of its kind.
        ("token:alice", Some(token("alice", &[Action::Read], None)), &[], "Psss".to_owned() + "YR" + "RRRR" + "Y"),
        ("token:ci-a", Some(token("ci-a", &[Action::Read], None)), &[], "Psss".to_owned() + "YR" + "YYRR" + "Y"),
        (
            "of another",
            Some(token("ci-a", &[Action::Read], Some("corp.example/b"))),
            &[],
            "Psss".to_owned() + "Ys" + "sssR" + "s",
        ),
        ("in a group", Some(subject(&["team-a"])), &[], "PYnn".to_owned() + "YR" + "YYRR" + "Y"),
        ("in none", Some(subject(&["team-c"])), &[], "PYnn".to_owned() + "YR" + "RRRR" + "Y"),
        ("certificate", None, &certificate, "PYnn".to_owned() + "YR" + "YYRR" + "Y"),
    ] {
        assert_eq!(row(&rules, identity.as_ref(), certificate), expected, "{who}");
    }
}

#[test]
fn without_rules_all_who_sign_in_may_read() {
    let rules = Rules::default();
    assert_eq!(row(&rules, None, &[]), "Pnnnnnnnnnn");
    assert_eq!(row(&rules, Some(&user("alice")), &[]), "PYnnYYYYYYY");
    assert_eq!(row(&rules, Some(&subject(&[])), &[]), "PYnnYYYYYYY");
    assert_eq!(row(&rules, Some(&token("t", &[Action::Read], None)), &[]), "PsssYYYYYYY");
    assert_eq!(row(&rules, Some(&token("t", &[Action::Read], Some("corp.example/a"))), &[]), "PsssYsYYsss");
    assert_eq!(row(&rules, Some(&token("t", &[Action::Metrics, Action::Admin], None)), &[]), "PsYYsssssss");
}

#[test]
fn who_may_read_something_may_read_hashes_and_only_who_may_read_all_reads_records() {
    let read = [Action::Read];
    for (rules, any, all) in [
        (vec![rule(&["user:u"], &read, Some("a.b"), None)], 'Y', 'n'),
        (vec![rule(&["user:u"], &read, None, None)], 'Y', 'Y'),
        (vec![rule(&["user:u"], &read, Some("a.b"), Some("no")), rule(&["user:u"], &read, None, None)], 'Y', 'R'),
        (vec![rule(&["user:u"], &read, None, Some("no")), rule(&["user:u"], &read, None, None)], 'R', 'R'),
        (vec![rule(&["user:u"], &read, Some("a.b"), None), rule(&["user:u"], &read, None, None)], 'Y', 'Y'),
        (vec![rule(&["user:u"], &read, Some("a.b"), Some("no"))], 'n', 'R'),
        (vec![rule(&["user:v"], &read, None, None)], 'n', 'n'),
        (vec![rule(&["user:u"], &[Action::Metrics], None, None)], 'n', 'n'),
    ] {
        let row = row(&Rules::new(&rules, &[]), Some(&user("u")), &[]);
        assert_eq!((row.chars().nth(4), row.chars().nth(5)), (Some(any), Some(all)), "{rules:?}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let read = [Action::Read];
    let both = |first: Option<&str>, second: Option<&str>| {
        let rules = vec![rule(&["user:u"], &read, Some("a.b/c"), first), rule(&["user:u"], &read, Some("a.b"), second)];
        Rules::new(&rules, &[])
    };
    let user = user("u");
    let client = Client { identity: Some(&user), certificate: &[] };
    assert_eq!(both(None, Some("no")).judge(client, &module("a.b/c/d")), Verdict::Private);
    assert_eq!(both(None, Some("no")).judge(client, &module("a.b/e")), Verdict::Refused(Some("no".to_owned())));
    assert_eq!(both(Some("no"), None).judge(client, &module("a.b/c")), Verdict::Refused(Some("no".to_owned())));
    assert_eq!(both(Some("no"), None).judge(client, &module("a.b/e")), Verdict::Private);
}
