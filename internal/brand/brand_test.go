package brand

import (
	"math"
	"strings"
	"testing"
)

func TestAColourIsReadOrRefused(t *testing.T) {
	for text, want := range map[string]string{"#0a7": "#00aa77", "#00AA77": "#00aa77", "#000": "#000000", "#fFf": "#ffffff"} {
		if c, err := Parse(text); err != nil || c.String() != want {
			t.Errorf("%s: %s, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "#", "0a7", "#0a", "#0a77", "#00aa7g", "#00aa7700", "green", "#-0a", "#+00aa7", "#0x1234"} {
		if c, err := Parse(text); err == nil {
			t.Errorf("%s is %s", text, c)
		}
	}
}

// TestEveryColourCanBeReadInBothSchemes walks through the whole cube.
func TestEveryColourCanBeReadInBothSchemes(t *testing.T) {
	for r := 0; r <= 255; r += 15 {
		for g := 0; g <= 255; g += 15 {
			for b := 0; b <= 255; b += 15 {
				c := Color{uint8(r), uint8(g), uint8(b)}
				for name, s := range map[string]Scheme{"light": Light(c), "dark": Dark(c)} {
					for what, pair := range map[string][2]Color{
						"a link on the card": {s.Accent, s.Card}, "a link on the ground": {s.Accent, s.Ground}, "a button": {s.Ink, s.Accent},
						"a button under a pointer": {s.Ink, s.Over}, "a link under a pointer": {s.Over, s.Card}, "a notice": {s.Text, s.Notice},
					} {
						if got := Contrast(pair[0], pair[1]); got < 4.5 {
							t.Fatalf("%s, %s of %s: %.2f between %s and %s", name, what, c, got, pair[0], pair[1])
						}
					}
					_, chroma, hue := c.oklch()
					_, kept, now := s.Accent.oklch()
					if turned := math.Abs(math.Remainder(hue-now, 2*math.Pi)); chroma > .05 && kept > .03 && turned > .12 {
						t.Fatalf("%s: the hue of %s turned by %.2f to %s", name, c, turned, s.Accent)
					}
				}
			}
		}
	}
}

func TestAColourThatCanBeReadStaysAsItIs(t *testing.T) {
	for _, text := range []string{"#0c6a56", "#1a4fb4", "#8a1c7c", "#000000"} {
		c, err := Parse(text)
		if err != nil || Light(c).Accent != c {
			t.Errorf("%s became %s, %v", text, Light(c).Accent, err)
		}
	}
	for _, text := range []string{"#63cfae", "#ffd400", "#ffffff"} {
		c, err := Parse(text)
		if err != nil || Dark(c).Accent != c {
			t.Errorf("%s became %s, %v", text, Dark(c).Accent, err)
		}
	}
}

func TestAColourGoesToOKLCHAndBack(t *testing.T) {
	for r := 0; r <= 255; r += 51 {
		for g := 0; g <= 255; g += 51 {
			for b := 0; b <= 255; b += 51 {
				c := Color{uint8(r), uint8(g), uint8(b)}
				if back := oklch(c.oklch()); back != c {
					t.Errorf("%s came back as %s", c, back)
				}
			}
		}
	}
}

func TestTheStylesheetHasBothSchemesAndNothingElse(t *testing.T) {
	css := CSS(Color{0x0a, 0x77, 0xcc})
	if strings.Count(css, "--accent:") != 2 || strings.Count(css, "{") != strings.Count(css, "}") || strings.Contains(css, "url") {
		t.Error(css)
	}
	if got := Contrast(Color{}, Color{255, 255, 255}); math.Abs(got-21) > .001 {
		t.Errorf("black on white: %f", got)
	}
}
