package profile

import (
	"fmt"
	"strconv"
	"time"
)

// Period is a span of the calendar: years as an anniversary, days as 24 hours.
// Its text form is a number and a unit, as "3y" or "60d".
type Period struct {
	Years int
	Days  int
}

// ParsePeriod reads "3y" or "60d": 1 to 100 years, or 1 to 36500 days.
func ParsePeriod(text string) (Period, error) {
	if len(text) >= 2 {
		n, err := strconv.Atoi(text[:len(text)-1])
		switch unit := text[len(text)-1]; {
		case err != nil || n < 1:
		case unit == 'y' && n <= 100:
			return Period{Years: n}, nil
		case unit == 'd' && n <= 36500:
			return Period{Days: n}, nil
		}
	}
	return Period{}, fmt.Errorf("%w: period is not of the form 3y or 60d", ErrProfile)
}

// IsZero tells whether p is no period at all.
func (p Period) IsZero() bool { return p == Period{} }

// End returns the notAfter of a certificate that starts at notBefore and is
// valid for p. Both ends belong to the validity (RFC 5280, Section 4.1.2.5), so
// it is one second before the anniversary.
func (p Period) End(notBefore time.Time) time.Time {
	return notBefore.AddDate(p.Years, 0, p.Days).Add(-time.Second)
}

// String returns the text form.
func (p Period) String() string {
	if p.Years > 0 {
		return strconv.Itoa(p.Years) + "y"
	}
	return strconv.Itoa(p.Days) + "d"
}

// MarshalText implements encoding.TextMarshaler.
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Period) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePeriod(string(text))
	return err
}
