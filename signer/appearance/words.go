package appearance

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// hanoi is UTC+7 without daylight saving, fixed so that it needs neither the
// server's zone nor a zone database.
func hanoi() *time.Location { return time.FixedZone("+07", 7*60*60) }

// Timestamp writes a time of signing as ISO 8601 in Vietnam's time with its
// offset, whatever zone t or the server has: 2020-01-05T08:09:10+07:00.
func Timestamp(t time.Time) string {
	return t.In(hanoi()).Format("2006-01-02T15:04:05-07:00")
}

// PlaceAndDate writes the line of place and date of Decree 30, Annex I:
// "Hà Nội, ngày 05 tháng 01 năm 2020". Days below 10 and the months 1 and 2
// get a leading zero, other months don't. The day is that of Vietnam.
func PlaceAndDate(place string, t time.Time) string {
	t = t.In(hanoi())
	month := fmt.Sprint(int(t.Month()))
	if t.Month() <= time.February {
		month = "0" + month
	}
	date := fmt.Sprintf("ngày %02d tháng %s năm %d", t.Day(), month, t.Year())
	if place = norm.NFC.String(strings.TrimSpace(place)); place == "" {
		return date
	}
	return place + ", " + date
}

// Number writes number and notation: a number below 10 gets a leading zero
// (Decree 30, Annex I): Number(5, "QĐ-UBND") is "05/QĐ-UBND".
func Number(n int, notation string) string {
	return fmt.Sprintf("%02d/%s", n, norm.NFC.String(strings.TrimSpace(notation)))
}

// A CopyForm is the form of an electronic copy (Decree 30, Article 25).
type CopyForm string

// The forms of a copy, with the words that are printed.
const (
	SaoY     CopyForm = "SAO Y"     // the whole document
	SaoLuc   CopyForm = "SAO LỤC"   // a copy of a certified copy
	TrichSao CopyForm = "TRÍCH SAO" // an excerpt
)

// ParseCopyForm reads a form of copy in any case and Unicode form.
func ParseCopyForm(s string) (CopyForm, error) {
	for _, f := range []CopyForm{SaoY, SaoLuc, TrichSao} {
		if foldText(s) == foldText(string(f)) {
			return f, nil
		}
	}
	return "", fmt.Errorf("unknown form of copy; it is one of %q, %q, %q", SaoY, SaoLuc, TrichSao)
}

// AttachmentLines are the lines on an attachment in a file of its own: number
// and notation of the document, and the time of signing.
func AttachmentLines(number string, signed time.Time) []string {
	const label = "Số: "
	number = norm.NFC.String(strings.TrimSpace(number))
	if !strings.HasPrefix(number, strings.TrimSpace(label)) {
		number = label + number
	}
	return []string{number, Timestamp(signed)}
}

// CopyLines are the lines on an electronic copy: its form, the agency that
// copied, and the time of signing.
func CopyLines(form CopyForm, agency string, signed time.Time) []string {
	return []string{string(form), norm.NFC.String(strings.TrimSpace(agency)), Timestamp(signed)}
}
