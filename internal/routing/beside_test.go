package routing

import (
	"testing"

	"github.com/kyso-vn/kyso/signer/appearance"
)

func TestTheWordsBesideAField(t *testing.T) {
	t.Parallel()
	run := func(text string, x, width float64) appearance.Run {
		return appearance.Run{Text: text, X: x, Y: 703, Width: width, FontSize: 12}
	}
	below := run("QUYẾT ĐỊNH", 60, 80)
	below.Y = 680
	for name, c := range map[string]struct {
		runs        []appearance.Run
		left, right string
	}{
		"nothing":              {nil, "", ""},
		"another line":         {[]appearance.Run{below}, "", ""},
		"in front":             {[]appearance.Run{run("Hà Nội,", 60, 38)}, "Hà Nội,", ""},
		"in front, letters":    {[]appearance.Run{run("i,", 92, 6), run("Hà", 60, 12), run("Nộ", 75, 17)}, "Hà Nội,", ""},
		"in front, decomposed": {[]appearance.Run{run("Ha\u0300 No\u0323\u0302i,", 60, 38)}, "Hà Nội,", ""},
		"another column":       {[]appearance.Run{run("Số:", 10, 20)}, "", ""},
		"on both sides":        {[]appearance.Run{run("Số:", 80, 18), run("/QĐ-UBND", 152, 50), run("Hà Nội,", 300, 40)}, "Số:", "/QĐ-UBND"},
		"one run past it":      {[]appearance.Run{run("Số: /TTr-UBND", 80, 120)}, "Số:", "/TTr-UBND"},
		"dots past it":         {[]appearance.Run{run("…………", 80, 80)}, "…………", ""},
	} {
		left, right := beside(c.runs, appearance.Rect{100, 700, 150, 716})
		if left != c.left || right != c.right {
			t.Errorf("%s: %q and %q", name, left, right)
		}
	}
}
