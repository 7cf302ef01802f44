// Package unit knows the administration: units in the versions of their time, the points
// and desks where certificates are handed out, and who followed whom.
package unit

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Day is a calendar day in the city, as "2025-07-01". Days compare as strings; "" is none.
type Day string

// Zone is the city's time: UTC+7, without daylight saving.
var zone = time.FixedZone("+07", 7*60*60)

// Zone returns the city's time zone.
func Zone() *time.Location { return zone }

// DayOf returns the day in the city on which t falls.
func DayOf(t time.Time) Day { return Day(t.In(zone).Format(time.DateOnly)) }

// ParseDay reads "2025-07-01".
func ParseDay(s string) (Day, error) {
	if t, err := time.Parse(time.DateOnly, s); err != nil || t.Format(time.DateOnly) != s {
		return "", ErrDay
	}
	return Day(s), nil
}

// Start returns the first instant of d in the city; the zero time for "".
func (d Day) Start() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Next returns the day after d.
func (d Day) Next() Day { return DayOf(d.Start().AddDate(0, 0, 1)) }

// Text returns d as Vietnamese pages write it, as "01/07/2025".
func (d Day) Text() string {
	if d == "" {
		return ""
	}
	return d.Start().Format("02/01/2006")
}

// Level is where a unit stands in the administration.
type Level string

// The levels. Districts ended on 2025-06-30; agencies are departments (sở) and the like.
const (
	City     Level = "city"
	Agency   Level = "agency"
	District Level = "district"
	Commune  Level = "commune" // phường, xã, thị trấn
)

// Unit is one version of a unit: the same code on another first day is another unit.
type Unit struct {
	ID   string `json:"id"`
	Code string `json:"code"`
	Name string `json:"name"`
	// From is the first day; To the first day on which the unit is no more, "" while it lasts.
	From     Day    `json:"valid_from"`
	To       Day    `json:"valid_to,omitempty"`
	Level    Level  `json:"level"`
	ParentID string `json:"parent_id,omitempty"`
	Policy   Policy `json:"policy"`
}

// Policy is what a unit asks of its own counter. The zero value asks nothing.
type Policy struct {
	// NeedsApproval: a second person approves each application.
	NeedsApproval bool `json:"needs_approval,omitempty"`
	// DailyQuota bounds the applications of a day; 0 is no bound.
	DailyQuota int `json:"daily_quota,omitempty"`
	// Closed: the counter takes no applications, as on a day off.
	Closed bool `json:"closed,omitempty"`
}

// In reports whether the unit existed on day d.
func (u Unit) In(d Day) bool { return u.From <= d && (u.To == "" || d < u.To) }

// Point is where certificates are handed out. It is not a unit: it may move between units.
type Point struct {
	ID      string `json:"id"`
	UnitID  string `json:"unit_id"`
	Name    string `json:"name"`
	Address string `json:"address"`
	From    Day    `json:"valid_from"`
	To      Day    `json:"valid_to,omitempty"`
}

// Desk (quầy) is a place of work at a point.
type Desk struct {
	ID      string `json:"id"`
	PointID string `json:"point_id"`
	Name    string `json:"name"`
}

// Succession says that New took over Old, or part of it.
type Succession struct {
	Old string `json:"old"` // id
	New string `json:"new"` // id
}

// Fold returns s as it is searched: lower case, without accents, đ as d, spaces single. So
// hoà and hòa are the same.
func Fold(s string) string {
	var b strings.Builder
	space := false
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case r == 'đ':
			r = 'd'
		case r >= 0x300 && r <= 0x36f: // combining marks
			continue
		case r == ' ' || r == '\t' || r == '\u00a0':
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
