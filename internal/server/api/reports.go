package api

import (
	"bytes"
	"io"
	"net/http"

	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/unit"
)

type reportOf struct {
	From   string    `query:"from" doc:"First day, YYYY-MM-DD" required:"true"`
	To     string    `query:"to" doc:"Last day, YYYY-MM-DD" required:"true"`
	By     report.By `query:"by" enum:"unit,point,kind,day,month,quarter"`
	UnitID string    `query:"unit_id" maxLength:"64"`
	Kind   string    `query:"kind" enum:"citizen,officer,organisation,service"`
	Format string    `query:"format" enum:"json,csv,xlsx"`
}

const (
	mediaCSV  = "text/csv"
	mediaXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// sheet is a report that can be a table.
type sheet interface{ Table() report.Table }

func (a *api) reports() {
	const tag = "reports"
	produces := []string{mediaCSV, mediaXLSX}
	handle(a, route{method: http.MethodGet, path: "/reports/issuance", tag: tag, summary: "Count certificates", answer: report.Issuance{}, produces: produces},
		func(w http.ResponseWriter, r *http.Request, p *reportOf) error {
			q, err := p.query()
			if err != nil {
				return err
			}
			out, err := a.Report.Issuance(r.Context(), q)
			return a.sheet(w, r, p, "cap-chung-thu", out, err)
		})
	handle(a, route{method: http.MethodGet, path: "/reports/documents", tag: tag, summary: "Count documents", answer: report.Documents{}, produces: produces},
		func(w http.ResponseWriter, r *http.Request, p *reportOf) error {
			q, err := p.query()
			if err != nil {
				return err
			}
			out, err := a.Report.Documents(r.Context(), q)
			return a.sheet(w, r, p, "van-ban", out, err)
		})
}

func (p *reportOf) query() (report.Query, error) {
	q := report.Query{By: p.By, UnitID: p.UnitID, Kind: p.Kind}
	var err error
	if q.From, err = unit.ParseDay(p.From); err != nil {
		return q, unit.ErrDay.On("from")
	}
	if q.To, err = unit.ParseDay(p.To); err != nil {
		return q, unit.ErrDay.On("to")
	}
	return q, nil
}

// sheet answers a report as it was asked for.
func (a *api) sheet(w http.ResponseWriter, r *http.Request, p *reportOf, name string, s sheet, err error) error {
	if err != nil {
		return err
	}
	var media string
	var writeTo func(io.Writer) error
	switch p.Format {
	case "csv":
		media, writeTo = mediaCSV+"; charset=utf-8", s.Table().WriteCSV
	case "xlsx":
		media, writeTo = mediaXLSX, s.Table().WriteXLSX
	default:
		a.answer(w, r, http.StatusOK, s)
		return nil
	}
	var b bytes.Buffer // a sheet is small, and half of one must not look whole
	if err := writeTo(&b); err != nil {
		return err
	}
	download(w, media, name+"-"+p.From+"-"+p.To+"."+p.Format)
	_, _ = b.WriteTo(w) // the client may be gone
	return nil
}
