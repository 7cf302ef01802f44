package web

import (
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/report"
)

func TestOnlyOwnPathsAreFollowed(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/counter": "/counter", "/inbox?q=a&urgency=khan": "/inbox?q=a&urgency=khan", "": "/", "counter": "/", "//evil": "/", "/\\evil": "/",
		"https://evil/": "/", "http:/x": "/", "/a\nb": "/", "javascript:alert(1)": "/", "/\tx": "/", "/%2f/x": "/", "///evil": "/", "%2f": "/", "/%5cevil": "/", "/a%20b": "/",
	} {
		if got := ownPath(in); got != want {
			t.Errorf("%q leads to %q, want %q", in, got, want)
		}
	}
}

func FuzzOwnPath(f *testing.F) {
	for _, s := range []string{"/a?b=c", "//x", "/%2f%2fx", `/\x`, "/./x", "/..//x", "%2f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := ownPath(in)
		if !strings.HasPrefix(out, "/") || strings.HasPrefix(out, "//") || strings.ContainsAny(out, "\\\r\n\t ") {
			t.Fatalf("%q leads to %q", in, out)
		}
		if again := ownPath(out); again != out {
			t.Fatalf("%q, then %q", out, again)
		}
	})
}

func TestDaysAreTypedAndShownAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"12/3/1990": "1990-03-12", "12-03-1990": "1990-03-12", "12031990": "1990-03-12", "31/02/1990": "31/02/1990", " 1.2.2026 ": "2026-02-01", "": ""} {
		if got := typedDay(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	if got := day("1990-03-12"); got != "12/03/1990" {
		t.Error(got)
	}
	at := time.Date(2026, 2, 4, 20, 0, 0, 0, time.UTC) // the 5th in the city
	if got := longDay(at); got != "ngày 05 tháng 02 năm 2026" {
		t.Error(got)
	}
	if got := inZone(at, "15:04:05 ngày 02/01/2006 (-07:00)"); got != "03:00:00 ngày 05/02/2026 (+07:00)" {
		t.Error(got)
	}
	for in, want := range map[any]string{0: "0", int64(1389): "1.389", 1000000: "1.000.000", -1234: "-1.234", 12: "12"} {
		if got := number(in); got != want {
			t.Errorf("%v is %q", in, got)
		}
	}
}

func TestNamesOfFilesAreNeverPaths(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"../../etc/passwd": "passwd", `C:\a\b.pdf`: "b.pdf", "": "tep", "..": "tep", "a\x00\r\n\"b.pdf": "ab.pdf", "Quyết định số 1.pdf": "Quyết định số 1.pdf", "gpj.\u202efdp": "gpj.fdp"} {
		if got := safeName(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestChartsFitTheirFrame(t *testing.T) {
	t.Parallel()
	var many []bar
	for i := range 400 {
		many = append(many, bar{Label: "Phường có cái tên rất dài để thử xem có vừa không", N: int64(i)})
	}
	for _, by := range []report.By{report.ByUnit, report.ByDay} {
		for _, bars := range [][]bar{nil, {{Label: "a", N: 0}}, {{Label: "a", N: 7}}, many[:3], many} {
			c := drawChart("x", bars, by)
			for _, b := range c.Bars {
				if b.X < 0 || b.Y < 0 || b.W < 1 || b.H < 0 || b.X+b.W > c.Width || b.Y+b.H > c.Height {
					t.Fatalf("%s, %d bars: %+v in %d x %d", by, len(bars), b, c.Width, c.Height)
				}
			}
			if len(bars) > 0 && len(c.Bars) > 0 && len(c.Bars)+c.More > len(bars) {
				t.Errorf("%s: %d of %d bars, %d left out", by, len(c.Bars), len(bars), c.More)
			}
		}
	}
}
