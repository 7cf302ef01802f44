package web

import (
	"slices"

	"github.com/kyso-vn/kyso/internal/report"
)

// chart is an SVG drawing by attributes: columns over time, ranked bars for groups. The
// table beneath it says the same in numbers.
type chart struct {
	Title         string
	Width, Height int
	// Bars lie in Columns upright from Base, else level from Left.
	Columns    bool
	Left, Base int
	Bars       []bar
	// Left out are groups beyond the most that fit.
	More int
}

type bar struct {
	Label      string
	N          int64
	X, Y, W, H int
	TextX      int
	TextY      int
}

const (
	chartWidth   = 760
	chartBars    = 15 // the most ranked bars
	chartColumns = 62 // the most columns
	chartLabel   = 260
)

// drawChart places the bars; a chart without any number has none.
func drawChart(title string, bars []bar, by report.By) chart {
	c := chart{Title: title, Width: chartWidth}
	var most int64
	for _, b := range bars {
		most = max(most, b.N)
	}
	if most == 0 {
		return c
	}
	switch by {
	case report.ByDay, report.ByMonth, report.ByQuarter:
		return c.columns(bars, most, by)
	}
	return c.ranked(bars, most)
}

func (c chart) columns(bars []bar, most int64, by report.By) chart {
	if len(bars) > chartColumns {
		c.More = len(bars) - chartColumns
		bars = bars[c.More:]
	}
	const top, height = 20, 160
	c.Columns, c.Base, c.Height = true, top+height, top+height+24
	step := chartWidth / len(bars)
	every := 1 + 60/max(step, 1) // labels that don't run into each other
	for i, b := range bars {
		b.W = min(max(step-4, 2), 60)
		b.H = int(int64(height) * b.N / most)
		b.X, b.Y = i*step+(step-b.W)/2, c.Base-b.H
		b.TextX, b.TextY = max(i*step+step/2, 24), c.Base+18
		if by == report.ByDay && len(b.Label) == len("02/01/2006") {
			b.Label = b.Label[:5]
		}
		if i%every != 0 {
			b.Label = ""
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

func (c chart) ranked(bars []bar, most int64) chart {
	bars = slices.DeleteFunc(slices.Clone(bars), func(b bar) bool { return b.N == 0 })
	slices.SortStableFunc(bars, func(a, b bar) int { return int(min(max(b.N-a.N, -1), 1)) })
	if len(bars) > chartBars {
		c.More = len(bars) - chartBars
		bars = bars[:chartBars]
	}
	const row, space = 28, 70 // space for the number behind the longest bar
	c.Left, c.Height = chartLabel, len(bars)*row
	for i, b := range bars {
		b.X, b.Y, b.H = chartLabel, i*row+4, row-8
		b.W = max(2, int(int64(chartWidth-chartLabel-space)*b.N/most))
		b.TextX, b.TextY = chartLabel-8, i*row+19
		if r := []rune(b.Label); len(r) > 32 {
			b.Label = string(r[:31]) + "…"
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}
