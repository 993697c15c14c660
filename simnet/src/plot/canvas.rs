//! Lines, areas and words on a white sheet, in pixels.
//!
//! Knows nothing of what they mean.

use plotters::drawing::DrawingArea;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// A sheet.
pub(super) struct Canvas<'a>(DrawingArea<SVGBackend<'a>, plotters::coord::Shift>);

/// What a line or an area looks like: a colour and how much it covers.
pub(super) type Paint = (RGBColor, f64);

impl<'a> Canvas<'a> {
    pub(super) fn new(text: &'a mut String, width: i32, height: i32) -> Self {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(text, size).into_drawing_area();
        area.fill(&WHITE).expect(STRING);
        Self(area)
    }

    pub(super) fn finish(self) {
        self.0.present().expect(STRING);
    }

    pub(super) fn line(&self, from: (i32, i32), to: (i32, i32), paint: Paint) {
        let style = style(paint);
        self.0.draw(&PathElement::new([from, to], style)).expect(STRING);
    }

    /// A line through points, so wide.
    pub(super) fn path(&self, points: Vec<(i32, i32)>, paint: Paint, width: u32) {
        if points.len() > 1 {
            let style = style(paint).stroke_width(width);
            self.0.draw(&PathElement::new(points, style)).expect(STRING);
        }
    }

    pub(super) fn area(&self, points: Vec<(i32, i32)>, paint: Paint) {
        if points.len() > 2 {
            self.0.draw(&Polygon::new(points, style(paint).filled())).expect(STRING);
        }
    }

    pub(super) fn rectangle(&self, from: (i32, i32), to: (i32, i32), paint: Paint) {
        self.0.draw(&Rectangle::new([from, to], style(paint).filled())).expect(STRING);
    }

    /// Words that begin at `x`, on the base line `y`.
    pub(super) fn text(&self, x: i32, y: i32, text: &str, size: u32, color: RGBColor) {
        self.text_at(HPos::Left, x, y, text, size, color);
    }

    /// Words that end at `x`.
    pub(super) fn text_to(&self, x: i32, y: i32, text: &str, size: u32, color: RGBColor) {
        self.text_at(HPos::Right, x, y, text, size, color);
    }

    /// Words around `x`.
    pub(super) fn text_around(&self, x: i32, y: i32, text: &str, size: u32, color: RGBColor) {
        self.text_at(HPos::Center, x, y, text, size, color);
    }

    fn text_at(&self, h: HPos, x: i32, y: i32, text: &str, size: u32, color: RGBColor) {
        let pos = Pos::new(h, VPos::Bottom);
        let font = ("sans-serif", size).into_font();
        let style = TextStyle::from(font).color(&color).pos(pos);
        self.0.draw(&Text::new(text.to_owned(), (x, y), style)).expect(STRING);
    }
}

/// How wide words are, about; never less.
pub(super) fn width_of(text: &str, size: u32) -> i32 {
    let chars = i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 100);
    // The size of a letter is what is given divided by 1.24, its width six tenths of that.
    chars * i32::try_from(size).unwrap_or(i32::MAX / 100) / 2
}

fn style(paint: Paint) -> ShapeStyle {
    let (color, cover) = paint;
    color.mix(cover).into()
}

pub(super) const INK: RGBColor = RGBColor(34, 34, 40);
pub(super) const PALE: RGBColor = RGBColor(96, 98, 108);
pub(super) const GRID: RGBColor = RGBColor(226, 228, 233);
pub(super) const BAD: RGBColor = RGBColor(200, 30, 40);
pub(super) const GOOD: RGBColor = RGBColor(20, 130, 70);
pub(super) const LINK: RGBColor = RGBColor(70, 80, 100);
pub(super) const GREY: RGBColor = RGBColor(168, 170, 178);

/// As far apart as sixteen can be.
pub(super) const PLACES: [RGBColor; 16] = [
    RGBColor(31, 119, 180),
    RGBColor(255, 127, 14),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(227, 119, 194),
    RGBColor(140, 86, 75),
    RGBColor(23, 190, 207),
    RGBColor(188, 189, 34),
    RGBColor(95, 90, 215),
    RGBColor(250, 180, 90),
    RGBColor(120, 200, 120),
    RGBColor(190, 160, 220),
    RGBColor(240, 170, 205),
    RGBColor(190, 150, 130),
    RGBColor(140, 215, 225),
    RGBColor(205, 205, 120),
];

const STRING: &str = "a string takes whatever is drawn";
