//! Pages that stand in the way of a page: challenges, cookie walls, pages for browsers only.

use ureq::http::HeaderMap;

/// A page with more visible text than this is a page, whatever else stands on it, in characters.
const LONGEST_WALL: usize = 2500;
/// How much of a page is looked at, in bytes.
const LOOKED_AT: usize = 256 << 10;

/// Words that only pages in the way show, and what they are.
const MARKS: [(&str, &str); 26] = [
    ("captcha", "asked for a proof that a person is there (captcha)"),
    ("verify you are human", "asked for a proof that a person is there"),
    ("verify that you are human", "asked for a proof that a person is there"),
    ("verifying you are human", "asked for a proof that a person is there"),
    ("are you a robot", "asked for a proof that a person is there"),
    ("are not a robot", "asked for a proof that a person is there"),
    ("i'm not a robot", "asked for a proof that a person is there"),
    ("are a human", "asked for a proof that a person is there"),
    ("just a moment", "showed a page that checks the browser"),
    ("checking your browser", "showed a page that checks the browser"),
    ("attention required! | cloudflare", "showed a page that checks the browser"),
    ("pardon our interruption", "showed a page that checks the browser"),
    ("unusual traffic", "said that the traffic is unusual"),
    ("request unsuccessful. incapsula", "refused the request"),
    ("access denied", "denied access"),
    ("access to this page has been denied", "denied access"),
    ("you have been blocked", "denied access"),
    ("request blocked", "denied access"),
    ("not available in your region", "does not show the page in this region"),
    ("not available in your country", "does not show the page in this country"),
    ("accept cookies to continue", "asked to accept cookies first"),
    ("accept all cookies to", "asked to accept cookies first"),
    ("cookies are disabled", "asked for cookies"),
    ("enable cookies", "asked for cookies"),
    ("enable javascript", "shows its text only to browsers that run its scripts"),
    ("javascript is required", "shows its text only to browsers that run its scripts"),
];

/// Headers that say it outright.
const HEADERS: [(&str, &[&str]); 2] =
    [("cf-mitigated", &["challenge"]), ("x-amzn-waf-action", &["challenge", "captcha"])];

/// What the server did instead of showing the page; `None` for a page.
pub(crate) fn wall(headers: &HeaderMap, is_page: bool, bytes: &[u8]) -> Option<&'static str> {
    for (name, values) in HEADERS {
        let said = headers.get(name).and_then(|value| value.to_str().ok());
        if said.is_some_and(|said| values.iter().any(|value| said.eq_ignore_ascii_case(value))) {
            return Some("asked for a proof that a browser is there");
        }
    }
    if !is_page {
        return None;
    }
    let page = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]).to_lowercase();
    let shown = visible(&page);
    if bytes.len() > LOOKED_AT && shown.chars().count() > LONGEST_WALL / 10 || shown.chars().count() > LONGEST_WALL {
        return None;
    }
    let found = MARKS.iter().find(|(words, _)| shown.contains(words)).map(|(_, what)| *what);
    // A page that shows nothing and carries a challenge in its markup.
    found.or_else(|| {
        let challenge =
            ["cf-challenge", "/cdn-cgi/challenge-platform/", "g-recaptcha", "h-captcha", "awswafintegration"];
        (shown.chars().count() < LONGEST_WALL / 10 && challenge.iter().any(|mark| page.contains(mark)))
            .then_some("showed a page that checks the browser")
    })
}

/// The words of a page without its markup, scripts and styles, as near as needed here; lower case, single spaces.
fn visible(page: &str) -> String {
    let mut out = String::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = &rest[at..];
        let skipped = ["script", "style"].iter().find(|name| {
            rest[1..].strip_prefix(**name).is_some_and(|after| after.starts_with([' ', '>', '\n', '\t', '/']))
        });
        let end = match skipped {
            Some(name) => rest.find(&format!("</{name}")).map(|at| at + 2 + name.len()),
            None => rest.find('>').map(|at| at + 1),
        };
        rest = end.and_then(|end| rest.get(end..)).unwrap_or_default();
        if skipped.is_some() {
            rest = rest.find('>').and_then(|at| rest.get(at + 1..)).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out.replace("&#39;", "'").replace('’', "'").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(page: &str) -> Option<&'static str> {
        wall(&HeaderMap::new(), true, page.as_bytes())
    }

    #[test]
    fn pages_in_the_way_are_told_from_pages() {
        for (page, what) in [
            ("<html><title>Just a moment...</title><body></body></html>", "checks the browser"),
            ("<body><p>Please complete the CAPTCHA below.</p></body>", "captcha"),
            ("<body>Please enable JavaScript and reload.</body>", "scripts"),
            ("<noscript>You need to enable JavaScript to run this app.</noscript><div id=root></div>", "scripts"),
            (
                "<body><h1>We value your privacy</h1><button>Accept cookies to continue</button></body>",
                "accept cookies",
            ),
            ("<script src='/cdn-cgi/challenge-platform/x.js'></script><body></body>", "checks the browser"),
            ("<body>I&#39;m not a robot</body>", "a person"),
            ("<script>if (a < b) {}</script ><p>Access denied</p>", "denied access"),
        ] {
            assert!(of(page).is_some_and(|said| said.contains(what)), "{page}: {:?}", of(page));
        }
        let long = "We keep your data for thirty days and then delete it. ".repeat(60);
        for page in [
            format!("<body>{long} This site is protected by reCAPTCHA. Please enable cookies.</body>"),
            format!("<script>var captcha = 'access denied'</script><body>{long}</body>"),
            "<script>var captcha = 1</script><body>We never sell your data.</body>".to_owned(),
            "<style>.captcha{}</style><p>We never sell your data.".to_owned(),
            String::new(),
            "<".to_owned(),
            "<script".to_owned(),
        ] {
            assert_eq!(of(&page), None, "{}", &page[..page.len().min(80)]);
        }
        assert_eq!(wall(&HeaderMap::new(), false, b"captcha"), None, "a text that is no page");
    }

    #[test]
    fn headers_say_it_outright() {
        let mut headers = HeaderMap::new();
        headers.insert("cf-mitigated", ureq::http::HeaderValue::from_static("challenge"));
        assert!(wall(&headers, false, b"").is_some());
    }
}
