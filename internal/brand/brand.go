// Package brand turns an operator's colour into colours that everybody can read.
//
// The one idea: the hue is the brand, and how light it is is the reader's. A colour is
// moved in OKLCH, where equal steps look equal, only as far as it takes for the contrasts
// of WCAG 2.2 (1.4.3, 1.4.11) to hold on light pages and on dark ones; one that holds them
// already stays as it is.
//
// It knows the grounds of our pages and nothing else of them.
package brand

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Color is a colour in sRGB, each part 0 to 255.
type Color struct{ R, G, B uint8 }

// ErrColor says what a colour looks like.
var ErrColor = errors.New("brand: a colour is written as #0a7 or #00aa77")

// Parse reads #rgb or #rrggbb.
func Parse(text string) (Color, error) {
	digits, ok := strings.CutPrefix(text, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if !ok || err != nil || len(digits) != 6 {
		return Color{}, ErrColor
	}
	return Color{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// String is #rrggbb.
func (c Color) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// Scheme are the colours of the pages that depend on the operator's, on light pages or on
// dark ones.
type Scheme struct {
	Card, Ground Color // what stands behind; ours
	Accent       Color // buttons, and links on Card and Ground
	Ink          Color // text on Accent
	Over         Color // Accent under a pointer; Ink can be read on it as well
	Notice       Color // behind notices, in which Text can be read
	Text         Color // ours
}

// The grounds of the pages: assets/page.css has the same.
var (
	light = Scheme{Card: Color{0xff, 0xff, 0xff}, Ground: Color{0xf3, 0xf4, 0xf0}, Text: Color{0x17, 0x20, 0x1c}}
	dark  = Scheme{Card: Color{0x18, 0x1e, 0x1b}, Ground: Color{0x10, 0x14, 0x12}, Text: Color{0xee, 0xf1, 0xee}}
)

const (
	readable = 4.5 // text, WCAG 2.2, 1.4.3
	// over is how much a colour's lightness moves under a pointer.
	over = .09
)

// Light is the scheme of light pages.
func Light(brand Color) Scheme {
	s := light
	s.Accent = moved(brand, -1, func(c Color) bool {
		return Contrast(c, s.Card) >= readable && Contrast(c, s.Ground) >= readable
	})
	return s.rest()
}

// Dark is the scheme of dark pages.
func Dark(brand Color) Scheme {
	s := dark
	s.Accent = moved(brand, +1, func(c Color) bool {
		return Contrast(c, s.Card) >= readable && Contrast(c, s.Ground) >= readable
	})
	return s.rest()
}

// rest are the colours that follow from the accent. Its text is white or nearly black,
// whichever can be read better, and a pointer moves it away from that.
func (s Scheme) rest() Scheme {
	s.Ink = Color{0xff, 0xff, 0xff}
	if black := (Color{0x0b, 0x0f, 0x0d}); Contrast(black, s.Accent) > Contrast(s.Ink, s.Accent) {
		s.Ink = black
	}
	l, c, h := s.Accent.oklch()
	away := over
	if s.Ink.R == 0xff {
		away = -over
	}
	s.Over = oklch(min(.97, max(.12, l+away)), c, h)
	if Contrast(s.Over, s.Ink) < readable || Contrast(s.Over, s.Card) < readable {
		s.Over = s.Accent
	}
	s.Notice = mixed(s.Card, s.Accent, .1)
	return s
}

// moved makes a colour darker (way -1) or lighter (+1) until it is good, by as little as it
// takes.
func moved(c Color, way float64, good func(Color) bool) Color {
	if good(c) {
		return c
	}
	l, chroma, hue := c.oklch()
	end := 0.
	if way > 0 {
		end = 1
	}
	near, far := l, end // near is not good, far is: black and white are
	for range 24 {
		middle := (near + far) / 2
		if good(oklch(middle, chroma, hue)) {
			far = middle
		} else {
			near = middle
		}
	}
	return oklch(far, chroma, hue)
}

// CSS is the stylesheet that goes after the pages' own.
func CSS(brand Color) string {
	return "/* The operator's colour, as light or as dark as it takes to be read. */\n:root{" + Light(brand).css() +
		"}\n@media (prefers-color-scheme:dark){:root{" + Dark(brand).css() + "}}\n"
}

func (s Scheme) css() string {
	return fmt.Sprintf("--accent:%s;--accent-ink:%s;--accent-over:%s;--ring:%s;--notice-ground:%s", s.Accent, s.Ink, s.Over, s.Accent, s.Notice)
}

// Contrast is the ratio of WCAG 2.2: 1 of a colour with itself, 21 of black with white.
func Contrast(a, b Color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func (c Color) luminance() float64 {
	return .2126*linear(c.R) + .7152*linear(c.G) + .0722*linear(c.B)
}

// linear takes the curve of sRGB out of a part, and part puts it in.
func linear(part uint8) float64 {
	v := float64(part) / 255
	if v <= .04045 {
		return v / 12.92
	}
	return math.Pow((v+.055)/1.055, 2.4)
}

func part(v float64) float64 {
	if v <= .0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - .055
}

func mixed(a, b Color, share float64) Color {
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x)*(1-share) + float64(y)*share)) }
	return Color{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B)}
}

// oklch are lightness (0 to 1), chroma and hue (radians) of a colour: Ottosson,
// "A perceptual color space for image processing", 2020, and CSS Color 4.
func (c Color) oklch() (l, chroma, hue float64) {
	r, g, b := linear(c.R), linear(c.G), linear(c.B)
	x := math.Cbrt(.4122214708*r + .5363325363*g + .0514459929*b)
	y := math.Cbrt(.2119034982*r + .6806995451*g + .1073969566*b)
	z := math.Cbrt(.0883024619*r + .2817188376*g + .6299787005*b)
	l = .2104542553*x + .7936177850*y - .0040720468*z
	p := 1.9779984951*x - 2.4285922050*y + .4505937099*z
	q := .0259040371*x + .7827717662*y - .8086757660*z
	return l, math.Hypot(p, q), math.Atan2(q, p)
}

// oklch is the colour of a lightness and hue, with as much of the chroma as a screen can
// show.
func oklch(l, chroma, hue float64) Color {
	low, high := 0., chroma
	if c, ok := shown(l, chroma, hue); ok {
		return c
	}
	for range 20 {
		middle := (low + high) / 2
		if _, ok := shown(l, middle, hue); ok {
			low = middle
		} else {
			high = middle
		}
	}
	c, _ := shown(l, low, hue)
	return c
}

// shown is a colour, and whether a screen can show it.
func shown(l, chroma, hue float64) (Color, bool) {
	p, q := chroma*math.Cos(hue), chroma*math.Sin(hue)
	cube := func(v float64) float64 { return v * v * v }
	x := cube(l + .3963377774*p + .2158037573*q)
	y := cube(l - .1055613458*p - .0638541728*q)
	z := cube(l - .0894841775*p - 1.2914855480*q)
	ok := true
	out := func(v float64) uint8 {
		v = part(v)
		if v < -.0005 || v > 1.0005 {
			ok = false
		}
		return uint8(math.Round(255 * min(1, max(0, v))))
	}
	c := Color{
		out(4.0767416621*x - 3.3077115913*y + .2309699292*z),
		out(-1.2684380046*x + 2.6097574011*y - .3413193965*z),
		out(-.0041960863*x - .7034186147*y + 1.7076147010*z),
	}
	return c, ok
}
