//! A small panel with every kind of column that options are about: towns on a grid, roads between them, some built over
//! time, and a treatment in stages.

use crate::random::Random;
use durbin::loader::MemoryLoader;
use std::fmt::Write;

const YEARS: std::ops::Range<usize> = 2001..2009;

/// The panel and its weights, before a query.
pub const HEAD: &str = r#"
panel towns from "towns.csv" { unit town  time year  coords lon, lat }
weights W = row(edges("roads.csv"))
weights V = row(knn(4))
weights F = row(edges("roads_by_year.csv", time: year))
treatment law = starts(start)
"#;

/// So many towns on a grid with roads to their neighbors, some of which are built over time.
pub fn files(units: usize) -> MemoryLoader {
    let mut random = Random::new(11, 1);
    let mut towns = "town,year,y,x,v,z,province,wave,start,lon,lat\n".to_string();
    let mut past = random.normals(units);
    let level = past.clone();
    for year in YEARS {
        let x = random.normals(units);
        let shock: Vec<f64> = (0..units).map(|i| random.normal() * (0.5 + i as f64 / units as f64)).collect();
        for i in 0..units {
            let law = i % 4 == 1 && year >= 2004 + i % 3;
            let around = 0.5 * (x[(i + 1) % units] + x[(i + units - 1) % units]);
            let own = shock[i] + 0.4 * shock[(i + 1) % units];
            let y = 0.3 * past[i] + level[i] + x[i] + 0.4 * around + 0.8 * f64::from(u8::from(law)) + own;
            let start = if i % 4 == 1 { (2004 + i % 3).to_string() } else { String::new() };
            let (v, z) = (random.normal(), x[i] + random.normal());
            let (lon, lat) = (10.0 + 0.3 * (i % 5) as f64, 50.0 + 0.2 * (i / 5) as f64);
            let province = ["north", "east", "south", "west"][4 * i / units];
            let wave = if i % 4 == 1 { format!("w{}", i % 3) } else { format!("never{}", i % 4) };
            writeln!(towns, "t{i:02},{year},{y},{},{v},{z},{province},{wave},{start},{lon},{lat}", x[i]).unwrap();
            past[i] = y;
        }
    }
    let (mut roads, mut by_year) = ("from,to\n".to_string(), "from,to,year\n".to_string());
    for i in 0..units {
        // One road in three goes across, so that towns differ in their place.
        let across = if i % 3 == 0 { Some((i + 5) % units) } else { None };
        for k in [(i + 1) % units, (i + units - 1) % units].into_iter().chain(across) {
            writeln!(roads, "t{i:02},t{k:02}").unwrap();
            let opened = if Some(k) == across { 2001 + i % 6 } else { 2001 };
            YEARS.filter(|y| *y >= opened).for_each(|y| writeln!(by_year, "t{i:02},t{k:02},{y}").unwrap());
        }
    }
    let mut files = MemoryLoader::default();
    for (name, text) in [("towns.csv", towns), ("roads.csv", roads), ("roads_by_year.csv", by_year)] {
        files.files.insert(name.into(), text.into_bytes());
    }
    files
}
