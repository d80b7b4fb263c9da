//! CycloneDX in XML: the same parts of a document as in JSON. Entities of a document's own are refused, and depth is bounded.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::{Component, ComponentHash, CycloneDx, Property};
use crate::sumdb::number::wide;

/// Elements in each other, about as deep as documents in JSON may be.
const MAX_DEPTH: usize = 128;
/// What the namespace of the format begins with; its version follows.
const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";

/// An element that is not closed yet.
struct Open {
    name: Vec<u8>,
    text: String,
    /// an attribute that says what the text is of: `alg` of a hash, `name` of a property
    attribute: String,
}

/// Reads a document.
///
/// # Errors
/// Why it is not one, with the line.
pub(super) fn read(text: &[u8]) -> Result<CycloneDx, String> {
    let mut reader = Reader::from_reader(text);
    let mut state = PartialBom { document: None, open: Vec::new(), components: Vec::new() };
    loop {
        let event = reader.read_event();
        // An error stands where the parser came upon it.
        let position = if event.is_err() { reader.error_position() } else { reader.buffer_position() };
        let end = usize::try_from(position).unwrap_or(usize::MAX).min(text.len());
        let line = || 1 + wide(text.get(..end).unwrap_or(text).iter().filter(|byte| **byte == b'\n').count());
        let at = |why: String| format!("{why} at line {}", line());
        match event.map_err(|error| at(error.to_string()))? {
            Event::Start(start) => state.start(&start).map_err(at)?,
            Event::Empty(start) => {
                state.start(&start).map_err(at)?;
                state.end();
            }
            Event::End(_) => state.end(),
            Event::Text(found) => state.add(&found.decode().map_err(|error| at(error.to_string()))?),
            Event::CData(found) => state.add(&found.decode().map_err(|error| at(error.to_string()))?),
            Event::GeneralRef(found) => {
                let name = found.decode().map_err(|error| at(error.to_string()))?;
                let character = found.resolve_char_ref().map_err(|error| at(error.to_string()))?.map(String::from);
                let text = character.or_else(|| resolve_predefined_entity(&name).map(str::to_owned));
                state.add(&text.ok_or_else(|| at("an entity that XML does not define".to_owned()))?);
            }
            Event::DocType(_) => return Err(at("a DOCTYPE, which no CycloneDX document has,".to_owned())),
            Event::Eof if !state.open.is_empty() => return Err(at("the document ends too early".to_owned())),
            Event::Eof => return state.document.ok_or_else(|| "no element `bom` of CycloneDX".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

/// The document so far.
struct PartialBom {
    document: Option<CycloneDx>,
    open: Vec<Open>,
    /// components that are not closed yet
    components: Vec<Component>,
}

impl PartialBom {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} elements in each other"));
        }
        let name = start.local_name().into_inner().to_vec();
        if self.open.is_empty() {
            let namespace =
                start.attributes().flatten().filter_map(|attribute| String::from_utf8(attribute.value.into()).ok());
            let version = namespace.filter_map(|value| Some(value.strip_prefix(NAMESPACE)?.to_owned())).next();
            let version = version.filter(|_| name == b"bom" && self.document.is_none());
            let spec_version = version.ok_or("the document is no `bom` of CycloneDX")?;
            self.document =
                Some(CycloneDx { bom_format: "CycloneDX".to_owned(), spec_version, components: Vec::new() });
        }
        let wanted = if name == b"hash" { "alg" } else { "name" };
        let attribute = start.try_get_attribute(wanted).map_err(|error| error.to_string())?;
        let attribute = attribute.map(|found| String::from_utf8_lossy(&found.value).into_owned()).unwrap_or_default();
        if name == b"component" {
            self.components.push(Component::default());
        }
        self.open.push(Open { name, text: String::new(), attribute });
        Ok(())
    }

    fn add(&mut self, text: &str) {
        self.open.last_mut().into_iter().for_each(|open| open.text.push_str(text));
    }

    fn end(&mut self) {
        let Some(Open { name, text, attribute }) = self.open.pop() else { return };
        let is_in = |parents: &[&[u8]]| {
            let open = self.open.iter().rev().map(|open| open.name.as_slice());
            parents.iter().copied().eq(open.take(parents.len()))
        };
        let text = text.trim().to_owned();
        let in_component = is_in(&[b"component"]);
        let in_hashes = is_in(&[b"hashes", b"component"]);
        let in_properties = is_in(&[b"properties", b"component"]);
        if name == b"component" {
            let Some(component) = self.components.pop() else { return };
            // The component of `metadata` is what the document is about, and no package in it.
            if is_in(&[b"components"]) {
                let around = self.components.last_mut().map(|component| &mut component.components);
                let all = around.or(self.document.as_mut().map(|document| &mut document.components));
                if let Some(all) = all {
                    all.push(component);
                }
            }
            return;
        }
        let Some(component) = self.components.last_mut() else { return };
        match name.as_slice() {
            b"name" if in_component => component.name = text,
            b"version" if in_component => component.version = text,
            b"purl" if in_component => component.purl = text,
            b"hash" if in_hashes => component.hashes.push(ComponentHash { alg: attribute, content: text }),
            b"property" if in_properties => component.properties.push(Property { name: attribute, value: text }),
            _ => {}
        }
    }
}
