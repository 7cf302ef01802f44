package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/kyso-vn/kyso/internal/report"
	"github.com/kyso-vn/kyso/internal/unit"
)

// reportIssuance prints the report on certificates: one line of JSON a row and the total
// last, or a sheet.
func reportIssuance(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "report issuance")
	conf := flags.String("config", "", "configuration file")
	today := string(unit.DayOf(time.Now()))
	from := flags.String("from", today[:8]+"01", "first day, YYYY-MM-DD")
	to := flags.String("to", today, "last day")
	by := flags.String("by", "unit", "unit, point, kind, day, month or quarter")
	format := flags.String("format", "json", "json, csv or xlsx")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	q := report.Query{By: report.By(*by)}
	var err error
	if q.From, err = unit.ParseDay(*from); err != nil {
		return report.ErrPeriod.Wrap(err)
	}
	if q.To, err = unit.ParseDay(*to); err != nil {
		return report.ErrPeriod.Wrap(err)
	}
	a, err := openApp(ctx, e, *conf)
	if err != nil {
		return err
	}
	r, err := a.report.Issuance(asService(ctx, "report"), q)
	if err == nil {
		err = writeReport(e, r, *format)
	}
	return errors.Join(err, a.close())
}

func writeReport(e env, r report.Issuance, format string) error {
	switch format {
	case "csv":
		return r.Table().WriteCSV(e.stdout)
	case "xlsx":
		return r.Table().WriteXLSX(e.stdout)
	case "json":
		enc := json.NewEncoder(e.stdout)
		for _, row := range r.Rows {
			if err := enc.Encode(row); err != nil {
				return err
			}
		}
		return enc.Encode(r.Total)
	}
	return usageError("kyso report issuance: no format %q", format)
}

// recount compares the counters with what they count; it never repairs.
func recount(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "counts recount")
	conf := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	a, err := openApp(ctx, e, *conf)
	if err != nil {
		return err
	}
	r, err := a.report.Recount(asService(ctx, "recount"))
	if err == nil {
		err = json.NewEncoder(e.stdout).Encode(r)
	}
	if err == nil && len(r.Differences) > 0 {
		err = exitError{code: 1}
	}
	return errors.Join(err, a.close())
}
