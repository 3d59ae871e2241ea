// Writes a standalone SVG 1.1 picture: shapes and texts with classes of one style sheet, no
// scripts, nothing loaded from elsewhere. Texts are escaped. Confined to one thread; a value is
// written once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tern::tools {

struct SvgPoint {
  double x = 0.0, y = 0.0;
};

/// A rectangle of the picture; y grows downwards.
struct SvgBox {
  double x = 0.0, y = 0.0, width = 0.0, height = 0.0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
};

enum class TextAnchor { kStart, kMiddle, kEnd };

class Svg {
 public:
  /// `title` is for screen readers and tooltips; `css` is ours and not escaped. `classes` of all
  /// members are names of `css`, separated by blanks. REQUIRES: coordinates are finite.
  Svg(std::string_view title, std::string_view css);

  void line(SvgPoint from, SvgPoint to, std::string_view classes);
  void polyline(const std::vector<SvgPoint>& points, std::string_view classes);
  void polygon(const std::vector<SvgPoint>& points, std::string_view classes);
  void circle(SvgPoint center, double radius, std::string_view classes);
  void rectangle(const SvgBox& box, std::string_view classes);
  /// `at` is on the base line. `full`: shown as a tooltip when it differs from `text`.
  void text(SvgPoint at, std::string_view text, std::string_view classes,
            TextAnchor anchor = TextAnchor::kStart, std::string_view full = {});
  /// Read from bottom to top, centred.
  void vertical_text(SvgPoint center, std::string_view text, std::string_view classes);
  /// Everything until end_group() is drawn inside of `clip` only.
  void begin_clipped_group(const SvgBox& clip);
  void end_group();

  /// The whole file; the background covers width times height.
  std::string finish(double width, double height) const;

 private:
  void attribute_points(const std::vector<SvgPoint>& points);

  std::string title_, css_, body_;
  int n_clips_ = 0;
};

/// Text as XML may hold it: markup escaped, control characters shown as \xNN, characters that XML
/// 1.0 does not have replaced by U+FFFD.
std::string xml_text(std::string_view text);

/// Upper estimate of how wide a text is in the usual sans-serif fonts, for a size in pixels.
double svg_text_width(std::string_view text, double font_size);

/// The text, or its beginning and "..." so that it fits.
std::string fit_svg_text(std::string_view text, double font_size, double width);

}  // namespace tern::tools
