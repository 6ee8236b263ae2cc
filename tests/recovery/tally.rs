//! What replications of one estimate add up to.

/// Estimates of one parameter and their standard errors, over all replications.
pub struct Tally {
    pub name: String,
    pub truth: f64,
    /// The quantile of the interval: normal, or Student's t of the estimator.
    quantile: f64,
    estimates: Vec<f64>,
    errors: Vec<f64>,
}

impl Tally {
    pub fn new(name: &str, truth: f64, quantile: f64) -> Tally {
        Tally { name: name.to_string(), truth, quantile, estimates: Vec::new(), errors: Vec::new() }
    }

    pub fn note(&mut self, estimate: f64, error: f64) {
        assert!(estimate.is_finite() && error > 0.0, "{}: {estimate} with error {error}", self.name);
        self.estimates.push(estimate);
        self.errors.push(error);
    }

    fn count(&self) -> f64 {
        self.estimates.len() as f64
    }

    pub fn mean(&self) -> f64 {
        self.estimates.iter().sum::<f64>() / self.count()
    }

    pub fn deviation(&self) -> f64 {
        let mean = self.mean();
        (self.estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (self.count() - 1.0)).sqrt()
    }

    /// The Monte Carlo standard error of the mean.
    pub fn mean_error(&self) -> f64 {
        self.deviation() / self.count().sqrt()
    }

    /// How often the 95 % interval holds the truth.
    pub fn coverage(&self) -> f64 {
        let pairs = self.estimates.iter().zip(&self.errors);
        pairs.filter(|(e, s)| (**e - self.truth).abs() <= self.quantile * **s).count() as f64 / self.count()
    }

    /// Mean standard error over the spread of the estimates.
    pub fn error_ratio(&self) -> f64 {
        self.errors.iter().sum::<f64>() / self.count() / self.deviation()
    }

    /// The bias is at most `allowed`, the Monte Carlo error (4 standard errors) apart.
    pub fn has_bias_within(&self, allowed: f64) {
        let bias = self.mean() - self.truth;
        assert!(bias.abs() <= allowed + 4.0 * self.mean_error(), "{}: bias {bias}, allowed {allowed}", self.name);
    }

    /// Coverage between two rates, 4 Monte Carlo standard errors apart.
    pub fn covers(&self, lo: f64, hi: f64) {
        let error = |p: f64| 4.0 * (p * (1.0 - p) / self.count()).sqrt();
        let found = self.coverage();
        assert!(found >= lo - error(lo) && found <= hi + error(hi), "{}: coverage {found}", self.name);
    }

    /// Standard errors as large as the spread, between two ratios; the spread has relative error `1/√(2R)`.
    pub fn has_errors_within(&self, lo: f64, hi: f64) {
        let (found, error) = (self.error_ratio(), 4.0 / (2.0 * self.count()).sqrt());
        assert!(found >= lo - error && found <= hi + error, "{}: mean error over spread {found}", self.name);
    }

    /// The same estimates with standard errors this much larger.
    pub fn stretched(&self, name: &str, factor: f64) -> Tally {
        Tally {
            name: name.to_string(),
            estimates: self.estimates.clone(),
            errors: self.errors.iter().map(|e| factor * e).collect(),
            ..*self
        }
    }

    /// One line of numbers.
    pub fn show(&self) {
        println!(
            "{:<42} true {:>8.4}  mean {:>8.4} ({:.4})  sd {:.4}  se/sd {:.3}  coverage {:.3}",
            self.name,
            self.truth,
            self.mean(),
            self.mean_error(),
            self.deviation(),
            self.error_ratio(),
            self.coverage()
        );
    }
}

/// How often a test rejects at 5 %.
pub struct Rate {
    pub name: String,
    pub rejected: usize,
    pub count: usize,
}

/// Rates by name, in the order of their first mention.
#[derive(Default)]
pub struct Rates(pub Vec<Rate>);

impl Rates {
    pub fn note(&mut self, name: &str, p: f64) {
        assert!((0.0..=1.0).contains(&p), "{name}: p is {p}");
        let at = self.0.iter().position(|r| r.name == name).unwrap_or_else(|| {
            self.0.push(Rate { name: name.to_string(), rejected: 0, count: 0 });
            self.0.len() - 1
        });
        self.0[at].rejected += usize::from(p < 0.05);
        self.0[at].count += 1;
    }

    pub fn of(&self, name: &str) -> f64 {
        let r = self.0.iter().find(|r| r.name == name).unwrap();
        r.rejected as f64 / r.count as f64
    }

    /// A rejection rate between two, 4 Monte Carlo standard errors apart.
    pub fn within(&self, name: &str, lo: f64, hi: f64) {
        let count = self.0.iter().find(|r| r.name == name).map_or(1, |r| r.count) as f64;
        let error = |p: f64| 4.0 * (p * (1.0 - p) / count).sqrt();
        let found = self.of(name);
        assert!(found >= lo - error(lo) && found <= hi + error(hi), "{name}: rejects {found}");
    }

    pub fn show(&self, title: &str) {
        for r in &self.0 {
            println!("{title:<40} {:<34} {:.3}", r.name, r.rejected as f64 / r.count as f64);
        }
    }
}
