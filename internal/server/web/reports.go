package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/unit"
)

func (p *pages) reportRoutes(r chi.Router) {
	r.Get("/reports/issuance", p.handle(p.getIssuanceReport))
	r.Get("/reports/documents", p.handle(p.getDocumentsReport))
	r.Get("/reports/issuance.{format:csv|xlsx}", p.handle(p.getIssuanceFile))
	r.Get("/reports/documents.{format:csv|xlsx}", p.handle(p.getDocumentsFile))
}

// asked is the period and the unit of a report, as they stand in its address.
type asked struct {
	Query    report.Query
	From, To string // as they were typed
	Units    []unit.Unit
	Presets  []preset
}

type preset struct {
	Name, Href string
	Here       bool
}

// URL is the address of the report, or with a format that of its file.
func (a asked) url(path string, from, to unit.Day) string {
	v := url.Values{"from": {string(from)}, "to": {string(to)}, "by": {string(a.Query.By)}}
	if a.Query.UnitID != "" {
		v.Set("unit", a.Query.UnitID)
	}
	return path + "?" + v.Encode()
}

// ask reads the report's address; without one it is this month.
func (p *pages) ask(r *http.Request) (asked, error) {
	var a asked
	ctx := r.Context()
	_, scope, err := auth.RequireAny(ctx, auth.ReportRead)
	if err != nil {
		return a, err
	}
	all, err := p.o.Units.Search(ctx, unit.Query{Ever: true})
	if err != nil {
		return a, err
	}
	today := unit.DayOf(p.o.Now())
	a.Units = slices.DeleteFunc(all, func(u unit.Unit) bool {
		return !scope.All && !slices.Contains(scope.Units, u.ID) || scope.All && !u.In(today)
	})
	q := r.URL.Query()
	a.From, a.To = typedDay(q.Get("from")), typedDay(q.Get("to"))
	now := p.o.Now().In(unit.Zone())
	month := unit.DayOf(time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, unit.Zone()))
	if a.From == "" && a.To == "" {
		a.From, a.To = string(month), string(today)
	}
	a.Query = report.Query{From: unit.Day(a.From), To: unit.Day(a.To), By: report.By(q.Get("by")), UnitID: q.Get("unit")}
	if a.Query.By == "" {
		a.Query.By = report.ByUnit
	}
	quarter := unit.DayOf(time.Date(now.Year(), (now.Month()-1)/3*3+1, 1, 0, 0, 0, 0, unit.Zone()))
	year := unit.DayOf(time.Date(now.Year(), 1, 1, 0, 0, 0, 0, unit.Zone()))
	for _, x := range []struct {
		name string
		from unit.Day
	}{{"Tháng này", month}, {"Quý này", quarter}, {"Năm nay", year}} {
		a.Presets = append(a.Presets, preset{x.name, a.url(r.URL.Path, x.from, today), a.Query.From == x.from && a.Query.To == today})
	}
	return a, nil
}

type reportPage struct {
	asked
	Issuance  report.Issuance
	Documents report.Documents
	Chart     chart
	CSV, XLSX string
	Ready     bool
}

func (p *pages) getIssuanceReport(w http.ResponseWriter, r *http.Request) error {
	d := reportPage{}
	return p.showReport(w, r, "report_issuance", &d, func(ctx context.Context) error {
		var err error
		if d.Issuance, err = p.o.Report.Issuance(ctx, d.Query); err != nil {
			return err
		}
		var bars []bar
		for _, x := range d.Issuance.Rows {
			bars = append(bars, bar{Label: x.Label, N: x.New})
		}
		d.Chart = drawChart("Số chứng thư cấp mới", bars, d.Query.By)
		return nil
	})
}

func (p *pages) getDocumentsReport(w http.ResponseWriter, r *http.Request) error {
	d := reportPage{}
	return p.showReport(w, r, "report_documents", &d, func(ctx context.Context) error {
		var err error
		if d.Documents, err = p.o.Report.Documents(ctx, d.Query); err != nil {
			return err
		}
		var bars []bar
		for _, x := range d.Documents.Rows {
			bars = append(bars, bar{Label: x.Label, N: x.LeaderSigned})
		}
		d.Chart = drawChart("Số văn bản lãnh đạo đã ký", bars, d.Query.By)
		return nil
	})
}

// showReport reads what is asked, makes the report, and shows both; what was asked wrongly
// is said at its field.
func (p *pages) showReport(w http.ResponseWriter, r *http.Request, name string, d *reportPage, make func(context.Context) error) error {
	var err error
	if d.asked, err = p.ask(r); err != nil {
		return err
	}
	err = make(r.Context())
	if bad, status, ok := p.refusal(r, err, map[string]string{"unit": "unit"}); ok {
		return p.render(w, r, status, name, *d, bad...)
	}
	if err != nil {
		return err
	}
	d.Ready = true
	d.CSV = d.url(r.URL.Path+".csv", d.Query.From, d.Query.To)
	d.XLSX = d.url(r.URL.Path+".xlsx", d.Query.From, d.Query.To)
	return p.render(w, r, http.StatusOK, name, *d)
}

func (p *pages) getIssuanceFile(w http.ResponseWriter, r *http.Request) error {
	a, err := p.ask(r)
	if err != nil {
		return err
	}
	x, err := p.o.Report.Issuance(r.Context(), a.Query)
	if err != nil {
		return err
	}
	return sendTable(w, r, "cap-chung-thu", a, x.Table())
}

func (p *pages) getDocumentsFile(w http.ResponseWriter, r *http.Request) error {
	a, err := p.ask(r)
	if err != nil {
		return err
	}
	x, err := p.o.Report.Documents(r.Context(), a.Query)
	if err != nil {
		return err
	}
	return sendTable(w, r, "van-ban", a, x.Table())
}

func sendTable(w http.ResponseWriter, r *http.Request, name string, a asked, t report.Table) error {
	format := chi.URLParam(r, "format")
	write, media := t.WriteCSV, "text/csv; charset=utf-8"
	if format == "xlsx" {
		write, media = t.WriteXLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	attachment(w, fmt.Sprintf("%s_%s_%s.%s", name, a.Query.From, a.Query.To, format))
	w.Header().Set("Content-Type", media)
	return write(onlyWriter{w})
}

// onlyWriter hides what else a ResponseWriter can.
type onlyWriter struct{ io.Writer }
