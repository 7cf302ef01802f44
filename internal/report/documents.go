package report

import (
	"cmp"
	"context"
	"slices"
)

// Documents is the report on documents.
type Documents struct {
	From  string        `json:"from"`
	To    string        `json:"to"`
	By    By            `json:"by,omitempty"`
	Rows  []DocumentRow `json:"rows"`
	Total DocumentRow   `json:"total"`
}

// DocumentRow counts what happened to documents of one unit or in one period.
type DocumentRow struct {
	Key          string `json:"key"`
	Label        string `json:"label"`
	Accepted     int64  `json:"accepted"`
	Initialled   int64  `json:"initialled"`
	LeaderSigned int64  `json:"leader_signed"`
	Sealed       int64  `json:"sealed"`
	Issued       int64  `json:"issued"`
	Returned     int64  `json:"returned"`
	Refused      int64  `json:"refused"`
	Withdrawn    int64  `json:"withdrawn"`
	Expired      int64  `json:"expired"`
	Failed       int64  `json:"failed"`
	// SignedPercent and SealedPercent are parts of Accepted, in percent to one decimal; 0
	// when nothing was accepted.
	SignedPercent float64 `json:"signed_percent"`
	SealedPercent float64 `json:"sealed_percent"`
}

// Documents reports on documents, by unit or period.
func (s *Service) Documents(ctx context.Context, q Query) (Documents, error) {
	cq, err := s.prepare(ctx, q, ByUnit, ByDay, ByMonth, ByQuarter)
	if err != nil {
		return Documents{}, err
	}
	names, err := s.labels(ctx, cq.By)
	if err != nil {
		return Documents{}, err
	}
	counts, err := s.Store.CountsOfDocuments(ctx, cq)
	if err != nil {
		return Documents{}, err
	}
	byKey, all := map[string]map[string]int64{}, map[string]int64{}
	if cq.By != "" && cq.By != ByUnit {
		for _, p := range periods(cq) {
			byKey[p] = map[string]int64{}
		}
	}
	for _, c := range counts {
		key := c.Group
		if cq.By != ByUnit {
			key = periodOf(c.Period, cq.By)
		}
		if byKey[key] == nil {
			byKey[key] = map[string]int64{}
		}
		byKey[key][c.Event] += c.N
		all[c.Event] += c.N
	}
	out := Documents{From: string(cq.From), To: string(cq.To), By: cq.By, Rows: []DocumentRow{}, Total: documentRow("total", "Tổng cộng", all)}
	if cq.By == "" {
		return out, nil
	}
	for key, n := range byKey {
		text := label(key, cq.By)
		if cq.By == ByUnit {
			text = cmp.Or(names[key], key)
		}
		out.Rows = append(out.Rows, documentRow(key, text, n))
	}
	slices.SortFunc(out.Rows, func(a, b DocumentRow) int {
		if cq.By == ByUnit {
			return cmp.Or(cmp.Compare(a.Label, b.Label), cmp.Compare(a.Key, b.Key))
		}
		return cmp.Compare(a.Key, b.Key)
	})
	return out, nil
}

func documentRow(key, label string, n map[string]int64) DocumentRow {
	r := DocumentRow{Key: key, Label: label, Accepted: n["accepted"], Initialled: n["initialled"], LeaderSigned: n["leader_signed"], Sealed: n["sealed"],
		Issued: n["issued"], Returned: n["returned"], Refused: n["refused"], Withdrawn: n["withdrawn"], Expired: n["expired"], Failed: n["failed"]}
	r.SignedPercent, r.SealedPercent = percent(r.LeaderSigned, r.Accepted), percent(r.Sealed, r.Accepted)
	return r
}

func percent(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64((part*2000+whole)/(2*whole)) / 10
}
