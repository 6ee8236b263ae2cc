//! Outcomes become text, CSV and LaTeX; the JSON document.
