//! A curve over time as a table for programs and a picture for people.

use std::fmt::Write;

/// One moment of a soak.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    pub(crate) resident: u64,
    pub(crate) locked: u64,
    pub(crate) sealed: u64,
    pub(crate) helper_resident: u64,
    pub(crate) descriptors: usize,
    pub(crate) helper_descriptors: usize,
    pub(crate) threads: u64,
    pub(crate) reads_a_second: f64,
}

/// The samples as CSV.
pub(crate) fn table(samples: &[Sample]) -> String {
    let mut text = String::from(
        "seconds,resident,locked,sealed,helper_resident,descriptors,helper_descriptors,threads,reads_a_second\n",
    );
    for it in samples {
        let _ = writeln!(
            text,
            "{:.1},{},{},{},{},{},{},{},{:.0}",
            it.seconds,
            it.resident,
            it.locked,
            it.sealed,
            it.helper_resident,
            it.descriptors,
            it.helper_descriptors,
            it.threads,
            it.reads_a_second
        );
    }
    text
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 190.0;
const COLOURS: [&str; 4] = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"];

type Line = (&'static str, fn(&Sample) -> f64);

/// What is drawn above one another: a unit, and lines.
const PANELS: [(&str, &[Line]); 3] = [
    (
        "MiB",
        &[
            ("daemon, resident", |it| mib(it.resident)),
            ("daemon, locked", |it| mib(it.locked)),
            ("values, sealed", |it| mib(it.sealed)),
            ("helper, resident", |it| mib(it.helper_resident)),
        ],
    ),
    (
        "number",
        &[
            ("descriptors, daemon", |it| whole(it.descriptors)),
            ("descriptors, helper", |it| whole(it.helper_descriptors)),
            ("threads, daemon", |it| {
                f64::from(u32::try_from(it.threads).unwrap_or(u32::MAX))
            }),
        ],
    ),
    ("reads/s", &[("values and errnos", |it| it.reads_a_second)]),
];

fn mib(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0
}

fn whole(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The most samples that a picture shows: each is some pixels wide.
const POINTS: usize = 300;

/// As many samples as a picture takes. Of what lies between two of them the reads are kept, as a mean.
fn thinned(samples: &[Sample]) -> Vec<Sample> {
    let each = samples.len().div_ceil(POINTS).max(1);
    let of = |part: &[Sample]| {
        let sum: f64 = part.iter().map(|it| it.reads_a_second).sum();
        Sample {
            reads_a_second: sum / whole(part.len()),
            ..part[part.len() - 1]
        }
    };
    samples.chunks(each).map(of).collect()
}

/// The samples as SVG.
pub(crate) fn picture(samples: &[Sample]) -> String {
    let samples = &thinned(samples)[..];
    let panels = PANELS.len();
    let height = whole(panels) * (HEIGHT + 30.0) + 40.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>What a mount takes over time: bytes, descriptors and threads, reads</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        LEFT + WIDTH + RIGHT
    );
    for (at, (unit, lines)) in PANELS.iter().enumerate() {
        let top = 20.0 + whole(at) * (HEIGHT + 30.0);
        panel(&mut svg, samples, top, unit, lines);
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, samples: &[Sample], top: f64, unit: &str, lines: &[Line]) {
    let values = lines.iter().flat_map(|(_, of)| samples.iter().map(of));
    let most = round_up(values.fold(0.0, f64::max));
    let end = samples.last().map_or(1.0, |it| it.seconds).max(1.0);
    let x = |seconds: f64| LEFT + seconds / end * WIDTH;
    let y = |value: f64| top + HEIGHT - value / most * HEIGHT;
    for quarter in 0..=4_u32 {
        let value = most * f64::from(quarter) / 4.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}h{WIDTH}\" stroke=\"#ddd\"/><text x=\"{1}\" y=\"{2:.1}\" \
             text-anchor=\"end\">{value}</text>",
            y(value),
            LEFT - 6.0,
            y(value) + 4.0
        );
    }
    for sixth in 0..=6_u32 {
        let seconds = end * f64::from(sixth) / 6.0;
        let label = match end >= 120.0 {
            true => format!("{:.0} min", seconds / 60.0),
            false => format!("{seconds:.0} s"),
        };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#666\">{label}</text>",
            x(seconds),
            top + HEIGHT + 15.0
        );
    }
    let _ = writeln!(svg, "<text x=\"8\" y=\"{:.1}\">{unit}</text>", top - 6.0);
    for (at, (name, of)) in lines.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let mut points = String::new();
        for it in samples {
            let _ = write!(points, "{:.1},{:.1} ", x(it.seconds), y(of(it)));
        }
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"{colour}\">{name}</text>",
            points.trim_end(),
            LEFT + WIDTH + 8.0,
            top + 14.0 + whole(at) * 16.0
        );
    }
}

/// A round number that is no less: 1, 2 or 4 times a power of ten, or of ten and two.
fn round_up(value: f64) -> f64 {
    let mut step = 1.0;
    while step < value {
        for factor in [1.0, 2.0, 4.0, 8.0] {
            if step * factor >= value {
                return step * factor;
            }
        }
        step *= 10.0;
    }
    step
}

#[test]
fn a_curve_is_a_row_for_each_sample_and_a_line_for_each_column() {
    let sample = |seconds| Sample {
        seconds,
        resident: 9 << 20,
        reads_a_second: 1234.0,
        ..Sample::default()
    };
    let samples = [sample(0.0), sample(60.0)];
    assert_eq!(table(&samples).lines().count(), 3);
    let lines: usize = PANELS.iter().map(|(_, lines)| lines.len()).sum();
    assert_eq!(picture(&samples).matches("<polyline").count(), lines);
    assert!((round_up(1234.0) - 2000.0).abs() < 0.1);
    assert!((round_up(9.0) - 10.0).abs() < 0.1);
}
