package appearance_test

import (
	"slices"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/signer/appearance"
	"golang.org/x/text/unicode/norm"
)

func TestTimestampHasHanoisOffsetWhateverTheZone(t *testing.T) {
	t.Parallel()
	want := "2020-01-06T01:09:10+07:00"
	utc := time.Date(2020, 1, 5, 18, 9, 10, 999, time.UTC)
	for _, at := range []time.Time{utc, utc.In(time.FixedZone("PST", -8*3600)), utc.Local()} {
		if got := appearance.Timestamp(at); got != want {
			t.Errorf("%v: %s", at.Location(), got)
		}
	}
}

func TestPlaceAndDatePadsOnlyLowDaysAndTheFirstTwoMonths(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]time.Time{
		"Hà Nội, ngày 05 tháng 01 năm 2020": time.Date(2020, 1, 5, 3, 0, 0, 0, time.UTC),
		"Hà Nội, ngày 10 tháng 02 năm 2021": time.Date(2021, 2, 10, 3, 0, 0, 0, time.UTC),
		"Hà Nội, ngày 09 tháng 3 năm 2021":  time.Date(2021, 3, 9, 3, 0, 0, 0, time.UTC),
		"Hà Nội, ngày 31 tháng 12 năm 2026": time.Date(2026, 12, 31, 3, 0, 0, 0, time.UTC),
		// still the day before in UTC
		"Hà Nội, ngày 01 tháng 9 năm 2026": time.Date(2026, 8, 31, 17, 0, 0, 0, time.UTC),
	} {
		if got := appearance.PlaceAndDate(norm.NFD.String("Hà Nội"), at); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := appearance.PlaceAndDate("", time.Date(2020, 5, 5, 0, 0, 0, 0, time.UTC)); got != "ngày 05 tháng 5 năm 2020" {
		t.Errorf("without a place: %q", got)
	}
}

func TestNumberAndStampLines(t *testing.T) {
	t.Parallel()
	at := time.Date(2020, 1, 5, 1, 9, 10, 0, time.UTC)
	for _, tt := range []struct{ got, want []string }{
		{[]string{appearance.Number(5, "QĐ-UBND"), appearance.Number(123, " KH-SKHCN ")}, []string{"05/QĐ-UBND", "123/KH-SKHCN"}},
		{appearance.AttachmentLines("12/QĐ-UBND", at), []string{"Số: 12/QĐ-UBND", "2020-01-05T08:09:10+07:00"}},
		{appearance.AttachmentLines("Số: 12/QĐ-UBND", at), []string{"Số: 12/QĐ-UBND", "2020-01-05T08:09:10+07:00"}},
		{appearance.CopyLines(appearance.SaoLuc, "Sở Nội vụ", at), []string{"SAO LỤC", "Sở Nội vụ", "2020-01-05T08:09:10+07:00"}},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestFormOfCopyIsReadInAnyCaseAndUnicodeForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]appearance.CopyForm{
		"sao y": appearance.SaoY, norm.NFD.String("Sao lục"): appearance.SaoLuc, "TRÍCH SAO": appearance.TrichSao,
	} {
		if got, err := appearance.ParseCopyForm(in); err != nil || got != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	if _, err := appearance.ParseCopyForm("SAO LUC"); err == nil {
		t.Error("a form without its tone was taken")
	}
}
