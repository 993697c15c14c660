//! Who publishes: the files of a world, and the hub that has them.
//!
//! Listens nowhere; that is the network's.

use fake_hub::{Access, Builder, FakeHub, Kind, RepoSpec};

use super::{REPO, Stage, TOKEN};
use crate::scenario::{Refusal, Scenario};
use crate::witness::Truth;

impl Stage {
    /// A hub that publishes the files and lies as the scenario has it.
    pub(crate) fn hub(&self) -> Builder {
        let files = self.files.iter().map(|(path, truth)| (path.clone(), truth.content()));
        let mut repo = RepoSpec::contents(REPO, files);
        let mut builder = FakeHub::builder()
            .seed(self.scenario.seed.0)
            .url_lifetime(self.scenario.url_lifetime)
            .token(TOKEN);
        if let Some(xet) = self.scenario.xet {
            repo = repo.xet(xet.spec());
            builder = builder.pass_lifetime(xet.token_lifetime);
            if !xet.has_v2 {
                builder = builder.without_v2();
            }
        }
        if self.scenario.refusal == Some(Refusal::NotForYou) {
            repo = repo.access(Access::Gated);
        }
        builder = builder.repo(repo);
        for rule in &self.scenario.rules {
            builder = builder.rule(rule.parse().expect("rules are written as the hub reads them"));
        }
        builder
    }
}

/// Paths in the repository, and what is there.
pub(super) fn files(scenario: &Scenario) -> Vec<(String, Truth)> {
    let name = |index: usize| match index {
        0 => "model.safetensors".to_owned(),
        more => format!("parts/part-{more}.bin"),
    };
    let kind = scenario.xet.map_or(Kind::Random, |xet| xet.kind);
    let is_deduplicated = scenario.xet.is_some_and(|xet| xet.is_deduplicated);
    let truth = |index: usize, size: u64| {
        let seed = |index: usize| scenario.seed.0.wrapping_add(index as u64);
        match (index, scenario.sizes.first()) {
            (1.., Some(first)) if is_deduplicated => {
                Truth::new(kind, seed(0), *first).tuned(seed(index))
            }
            _ => Truth::new(kind, seed(index), size),
        }
    };
    let sizes = scenario.sizes.iter().enumerate();
    sizes.map(|(index, size)| (name(index), truth(index, *size))).collect()
}
