//! Writes the simulated data of `examples/stic` and the truth beside them, the same bytes every time.
//!
//! `cargo run --example stic`

#[path = "../tests/support/random.rs"]
mod random;
#[path = "stic/simulate.rs"]
mod simulate;
#[path = "stic/truth.rs"]
mod truth;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stic");
    let study = simulate::Study::new(&std::fs::read_to_string(folder.join("cities.csv"))?);
    let files = study.draw(simulate::SEED);
    std::fs::write(folder.join("panel.csv"), files.panel)?;
    std::fs::write(folder.join("employment.csv"), files.employment)?;
    std::fs::write(folder.join("nation.csv"), files.nation)?;
    std::fs::write(folder.join("truth.json"), truth::document(&study))?;
    println!("written to {}", folder.display());
    Ok(())
}
