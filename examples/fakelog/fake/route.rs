//! What a request path asks for. Paths are written without their first slash and without `sumdb/<name>/`.

/// A request that this database understands.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// the newest signed head
    Latest,
    /// the record about a module version, unescaped
    Lookup {
        /// module path
        module: String,
        /// version
        version: String,
    },
    /// `width` hashes of tile `index` at tile level `level`
    Hashes {
        /// tile level
        level: usize,
        /// tile number
        index: u64,
        /// hashes, 1 to 256
        width: u64,
    },
    /// `width` records of data tile `index`
    Data {
        /// tile number
        index: u64,
        /// records, 1 to 256
        width: u64,
    },
}

/// Reads a path; the error is the body of a 400 answer.
pub fn parse(path: &str) -> Result<Option<Route>, &'static str> {
    if path == "latest" {
        return Ok(Some(Route::Latest));
    }
    if let Some(asked) = path.strip_prefix("lookup/") {
        let lookup = asked.split_once('@').and_then(|(module, version)| {
            let version = unescape(version).filter(|v| is_version(v))?;
            Some(Route::Lookup { module: unescape(module).filter(|m| !m.is_empty())?, version })
        });
        return lookup.map(Some).ok_or("invalid module@version syntax\n");
    }
    if let Some(rest) = path.strip_prefix("tile/") {
        return tile(rest).map(Some).ok_or("invalid tile syntax\n");
    }
    Ok(None)
}

/// `8/L/K[.p/W]` or `8/data/K[.p/W]`.
fn tile(rest: &str) -> Option<Route> {
    let (level, place) = rest.strip_prefix("8/")?.split_once('/')?;
    let (place, width) = match place.split_once(".p/") {
        Some((place, width)) => (place, width.parse().ok().filter(|w| (1..256).contains(w))?),
        None => (place, 256),
    };
    let mut index: u64 = 0;
    for digits in place.split('/') {
        let digits = digits.strip_prefix('x').unwrap_or(digits);
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    let route = match level {
        "data" => Route::Data { index, width },
        _ => Route::Hashes { level: level.parse().ok()?, index, width },
    };
    // Only the canonical spelling is a tile's path.
    (route_path(&route) == format!("tile/{rest}")).then_some(route)
}

/// The canonical path of a tile.
fn route_path(route: &Route) -> String {
    let (level, mut index, width) = match route {
        Route::Hashes { level, index, width } => (level.to_string(), *index, *width),
        Route::Data { index, width } => ("data".to_owned(), *index, *width),
        Route::Latest | Route::Lookup { .. } => return String::new(),
    };
    let mut place = format!("{:03}", index % 1000);
    while index >= 1000 {
        index /= 1000;
        place = format!("x{:03}/{place}", index % 1000);
    }
    let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
    format!("tile/8/{level}/{place}{partial}")
}

/// Each upper-case letter as `!` and its lower case.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// The text whose escaped form this is.
fn unescape(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '!' => out.push(letters.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            'A'..='Z' => return None,
            _ => out.push(letter),
        }
    }
    Some(out)
}

/// `vX.Y.Z` with anything after it that contains no `@`.
fn is_version(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix('v') else { return false };
    let numbers = numbers.split(['-', '+']).next().unwrap_or_default();
    let digits = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    numbers.split('.').count() == 3 && numbers.split('.').all(digits) && !text.contains('@')
}
