//! What is worth a line, where there may be many.

use moshi_fetch::news::Aside;

use super::*;

#[test]
fn what_is_worth_a_word_of_a_name_and_of_a_part() {
    let mut view = begun(0);
    let mut told = |news: News| words(view.on_news(&news, at(1)));
    let named = "model.safetensors: the storage calls it by the name that the hub gave";
    assert_eq!(told(event(Event::Named { file: MODEL }, 1)), named);
    assert_eq!(told(event(Event::Named { file: CONFIG }, 1)), "", "it is small");
    for (why, expected) in [
        (Aside::HasOtherNames, "the part that was here has other names, too (hard links)"),
        (Aside::IsALink, "a link was where its part is to be"),
    ] {
        let words = told(News::Aside { file: MODEL, why });
        assert!(words.starts_with(&format!("model.safetensors: {expected}")), "{words}");
    }
}

#[test]
fn a_flood_of_bad_names_is_no_flood_of_lines() {
    let mut view = View::new("org/name", at(0));
    let fault = Fault::UnsafeName("it is empty".to_owned());
    let news = News::Unavailable { path: "../x".to_owned(), fault };
    let told: Vec<_> = (0..1_000).filter_map(|_| view.on_news(&news, at(1))).collect();
    assert_eq!(told.len(), 50);
    assert_eq!(told[0].words(), "../x cannot be had: not a safe file name: it is empty");
    assert_eq!(told[49].words(), "more files cannot be had: how many, the end says");
}
