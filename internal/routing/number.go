package routing

import (
	"context"
	"strings"
)

// numberOf is the number that a prepared seal gives, zero for another act.
func (sg SigningRecord) numberOf(unitID string) Number {
	if sg.Prepared.Number == "" {
		return Number{}
	}
	n, notation := splitNumber(sg.Prepared.Number)
	return Number{UnitID: unitID, Year: sg.Prepared.Date[:len("2026")], Notation: strings.ToUpper(notation), Number: strings.ToUpper(strings.TrimLeft(n, "0"))}
}

// numbers are those that a batch gives, in the order of its signings.
func (s *Service) numbers(ctx context.Context, b Batch) ([]Number, error) {
	out := make([]Number, len(b.Signings))
	for i, sg := range b.Signings {
		if sg.Prepared.Number == "" {
			continue
		}
		d, err := s.o.Store.Document(ctx, sg.DocumentID)
		if err != nil {
			return nil, err
		}
		out[i] = sg.numberOf(d.Steps[sg.Step-1].UnitID)
	}
	return out, nil
}

// free refuses a batch that gives a number twice or one that another document has. The
// release looks again, for good.
func (s *Service) free(ctx context.Context, b Batch) error {
	list, err := s.numbers(ctx, b)
	if err != nil {
		return err
	}
	seen := make(map[Number]bool)
	for _, n := range list {
		if n == (Number{}) {
			continue
		}
		taken, err := s.o.Store.NumberTaken(ctx, n)
		if err != nil {
			return err
		}
		if taken || seen[n] {
			return ErrNumberTaken
		}
		seen[n] = true
	}
	return nil
}
