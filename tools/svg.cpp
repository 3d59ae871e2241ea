#include "svg.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include "escape.h"
#include "text_width.h"

namespace tern::tools {
namespace {

/// Two decimals are a hundredth of a pixel; "12", "0.5".
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

const char* anchor_name(TextAnchor anchor) {
  switch (anchor) {
    case TextAnchor::kMiddle:
      return "middle";
    case TextAnchor::kEnd:
      return "end";
    case TextAnchor::kStart:
      break;
  }
  return "start";
}

/// Calls fn for every character; text is UTF-8, as escape_controls() leaves it.
template <typename Fn>
void for_each_character(std::string_view text, const Fn& fn) {
  while (!text.empty()) {
    utf8proc_int32_t ignored = 0;
    const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                    static_cast<utf8proc_ssize_t>(text.size()), &ignored);
    const size_t length = n > 0 ? static_cast<size_t>(n) : 1;
    fn(text.substr(0, length));
    text.remove_prefix(length);
  }
}

/// In em, of DejaVu Sans: the widest of the usual fonts.
double character_width(std::string_view character) {
  if (character.size() > 1) return 0.65 * static_cast<double>(display_width(character)) + 0.05;
  const char c = character[0];
  if (std::string_view(" .,:;'|!ijlI").find(c) != std::string_view::npos) return 0.34;
  if (std::string_view("-()[]/\\\"`frt").find(c) != std::string_view::npos) return 0.43;
  if (std::string_view("mwMW%@").find(c) != std::string_view::npos) return 1.0;
  if (std::string_view("+=<>~_#&").find(c) != std::string_view::npos) return 0.84;
  return c >= 'A' && c <= 'Z' ? 0.73 : 0.64;
}

}  // namespace

std::string xml_text(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string out;
  const std::string visible = escape_controls(text);
  for (size_t i = 0; i < visible.size(); ++i) {
    const std::string_view rest = std::string_view(visible).substr(i);
    // U+FFFE and U+FFFF are UTF-8, but no characters of XML.
    if (rest.starts_with("\xEF\xBF\xBE") || rest.starts_with("\xEF\xBF\xBF")) {
      out += kReplacement;
      i += 2;
      continue;
    }
    switch (visible[i]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += visible[i];
    }
  }
  return out;
}

double svg_text_width(std::string_view text, double font_size) {
  double em = 0.0;
  for_each_character(escape_controls(text),
                     [&em](std::string_view character) { em += character_width(character); });
  return em * font_size;
}

std::string fit_svg_text(std::string_view text, double font_size, double width) {
  // Escapes first: half of one would say something else.
  std::string visible = escape_controls(text);
  if (svg_text_width(visible, font_size) <= width) return visible;
  const std::string_view dots = "...";
  double used = svg_text_width(dots, font_size);
  std::string fitted;
  bool full = false;
  for_each_character(visible, [&](std::string_view character) {
    used += character_width(character) * font_size;
    full = full || used > width;
    if (!full) fitted += character;
  });
  return fitted.append(dots);
}

Svg::Svg(std::string_view title, std::string_view css) : title_(xml_text(title)), css_(css) {}

void Svg::line(SvgPoint from, SvgPoint to, std::string_view classes) {
  body_ += fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", classes,
                       number(from.x), number(from.y), number(to.x), number(to.y));
}

void Svg::attribute_points(const std::vector<SvgPoint>& points) {
  for (const SvgPoint& point : points) {
    if (&point != &points.front()) body_ += ' ';
    body_ += number(point.x) + "," + number(point.y);
  }
}

void Svg::polyline(const std::vector<SvgPoint>& points, std::string_view classes) {
  body_ += fmt::format("<polyline class=\"{}\" points=\"", classes);
  attribute_points(points);
  body_ += "\"/>\n";
}

void Svg::polygon(const std::vector<SvgPoint>& points, std::string_view classes) {
  body_ += fmt::format("<polygon class=\"{}\" points=\"", classes);
  attribute_points(points);
  body_ += "\"/>\n";
}

void Svg::circle(SvgPoint center, double radius, std::string_view classes) {
  body_ += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>\n", classes,
                       number(center.x), number(center.y), number(radius));
}

void Svg::rectangle(const SvgBox& box, std::string_view classes) {
  body_ +=
      fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", classes,
                  number(box.x), number(box.y), number(box.width), number(box.height));
}

void Svg::text(SvgPoint at, std::string_view text, std::string_view classes, TextAnchor anchor,
               std::string_view full) {
  std::string tooltip;
  if (!full.empty() && full != text) tooltip = "<title>" + xml_text(full) + "</title>";
  body_ +=
      fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}{}</text>\n", classes,
                  number(at.x), number(at.y), anchor_name(anchor), tooltip, xml_text(text));
}

void Svg::vertical_text(SvgPoint center, std::string_view text, std::string_view classes) {
  body_ += fmt::format(
      "<text class=\"{}\" transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\">"
      "{}</text>\n",
      classes, number(center.x), number(center.y), xml_text(text));
}

void Svg::begin_clipped_group(const SvgBox& clip) {
  const std::string id = fmt::format("clip{}", n_clips_++);
  body_ += fmt::format(
      "<clipPath id=\"{0}\"><rect x=\"{1}\" y=\"{2}\" width=\"{3}\" height=\"{4}\"/></clipPath>\n"
      "<g clip-path=\"url(#{0})\">\n",
      id, number(clip.x), number(clip.y), number(clip.width), number(clip.height));
}

void Svg::end_group() { body_ += "</g>\n"; }

std::string Svg::finish(double width, double height) const {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{2}</title>\n<style>\n{3}</style>\n"
      "<rect class=\"background\" width=\"{0}\" height=\"{1}\"/>\n{4}</svg>\n",
      number(width), number(height), title_, css_, body_);
}

}  // namespace tern::tools
