package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kyso-vn/kyso/hsm"
	"github.com/kyso-vn/kyso/hsm/p11/p11bench"
	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/testkit/pg"
	"github.com/kyso-vn/kyso/internal/testkit/stage"
)

// What the service benchmark does: sixteen officers, each signs batches of twenty.
const (
	signers   = 16
	batchSize = 20
)

// serviceSign measures signing documents over HTTP on a whole installation: one PIN and one
// SAD for twenty documents, signatures, storage, B-B.
func serviceSign(postgres bool) func(context.Context, options) (line, error) {
	return func(ctx context.Context, o options) (line, error) {
		// 1. The bare loop first, on a token of its own.
		limit, err := bareUnwrap(ctx, o)
		if err != nil {
			return line{}, err
		}
		// 2. An installation with sixteen officers, and documents that wait for each.
		s, err := stage.Open(filepath.Join(o.dir, "installation"), o.kyso)
		if err != nil {
			return line{}, err
		}
		s.Signers, s.NoTSA = signers, true
		if postgres {
			dsn, stop, err := pg.Start("")
			if err != nil {
				return line{}, err
			}
			defer func() { _ = stop() }() // a temporary cluster
			s.Database = dsn
		}
		if err := s.Install(ctx); err != nil {
			return line{}, err
		}
		if err := s.Start(ctx); err != nil {
			return line{}, err
		}
		l, err := signAll(ctx, s, max(1, int(o.seconds/time.Second)))
		rss := peakOf(s.PID())
		if err := errors.Join(err, s.Stop()); err != nil {
			return l, err
		}
		l.Unit, l.Limit, l.RSS = "documents/s", limit, rss
		return l, nil
	}
}

// signAll prepares the people and their documents, then measures.
func signAll(ctx context.Context, s *stage.Stage, rounds int) (line, error) {
	rounds = min(rounds, 2) // a one-time password each; the third is for the login
	unitID, _, err := s.Ward(ctx)
	if err != nil {
		return line{}, err
	}
	dms, err := s.System(ctx)
	if err != nil {
		return line{}, err
	}
	type officer struct {
		*stage.Visitor
		batches [][]string
	}
	var officers []officer
	for n := range signers {
		login := fmt.Sprintf("ky%02d", n+1)
		if err := s.Officer(ctx, login, unitID); err != nil {
			return line{}, err
		}
		who := officer{}
		for range rounds {
			ids, err := submit(ctx, dms, unitID, login, batchSize)
			if err != nil {
				return line{}, err
			}
			who.batches = append(who.batches, ids)
		}
		officers = append(officers, who)
	}
	for n := range officers {
		if officers[n].Visitor, err = s.Login(ctx, fmt.Sprintf("ky%02d", n+1)); err != nil {
			return line{}, err
		}
	}
	// Every officer signs all batches; the time of a document is that of its batch.
	var mu sync.Mutex
	var took []float64
	var first error
	var wg sync.WaitGroup
	start := time.Now()
	for _, who := range officers {
		wg.Go(func() {
			for _, ids := range who.batches {
				t := time.Now()
				err := signBatch(ctx, who.Visitor, ids)
				mu.Lock()
				first = errors.Join(first, err)
				took = append(took, time.Since(t).Seconds()*1000)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if first != nil {
		return line{}, first
	}
	slices.Sort(took)
	n := len(took) * batchSize
	at := func(q float64) float64 { return took[int(q*float64(len(took)-1))] }
	return line{N: int64(n), Value: float64(n) / time.Since(start).Seconds(), P50: at(0.5), P95: at(0.95), P99: at(0.99)}, nil
}

// submit hands over n documents for one signer.
func submit(ctx context.Context, dms *stage.Visitor, unitID, login string, n int) ([]string, error) {
	file, err := os.ReadFile(stage.DocumentFile)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range n {
		metadata, err := json.Marshal(map[string]any{"external_id": fmt.Sprintf("%s-%d-%d", login, i, time.Now().UnixNano()), "unit_id": unitID,
			"metadata": map[string]any{"subject": "Văn bản đo lường"},
			"steps":    []any{map[string]any{"kind": "leader", "signer": login, "place": map[string]any{"field": "chu_ky_lanh_dao"}}}})
		if err != nil {
			return nil, err
		}
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for _, part := range []struct {
			name, file, media string
			content           []byte
		}{{"metadata", "", "application/json", metadata}, {"file", "a.pdf", "application/pdf", file}} {
			h := textproto.MIMEHeader{"Content-Type": {part.media}}
			h.Set("Content-Disposition", `form-data; name="`+part.name+`"`)
			if part.file != "" {
				h.Set("Content-Disposition", `form-data; name="`+part.name+`"; filename="`+part.file+`"`)
			}
			p, err := w.CreatePart(h)
			if err != nil {
				return nil, err
			}
			if _, err := p.Write(part.content); err != nil {
				return nil, err
			}
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		var doc struct {
			ID string `json:"id"`
		}
		if err := dms.Send(ctx, "/api/v1/documents", w.FormDataContentType(), body.Bytes(), &doc); err != nil {
			return nil, err
		}
		ids = append(ids, doc.ID)
	}
	return ids, nil
}

// signBatch authorises once, signs all, and waits until every document is done.
func signBatch(ctx context.Context, v *stage.Visitor, ids []string) error {
	otp, err := v.OTP(ctx)
	if err != nil {
		return err
	}
	var grant struct {
		SAD string `json:"sad"`
	}
	if err := v.Post(ctx, "/api/v1/authorizations", map[string]any{"documents": ids, "act": "sign", "pin": v.PIN(), "otp": otp}, &grant); err != nil {
		return err
	}
	var batch struct {
		ID   string `json:"batch_id"`
		Done bool   `json:"done"`
	}
	if err := v.Post(ctx, "/api/v1/batches", map[string]any{"sad": grant.SAD}, &batch); err != nil {
		return err
	}
	for deadline := time.Now().Add(2 * time.Minute); !batch.Done; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("a batch was not done in two minutes")
		}
		if err := v.Get(ctx, "/api/v1/batches/"+batch.ID, &batch); err != nil {
			return err
		}
	}
	return nil
}

// bareUnwrap is the limit: unwrap, sign, destroy.
func bareUnwrap(ctx context.Context, o options) (float64, error) {
	t, bare, err := openToken(ctx, o)
	if err != nil {
		return 0, err
	}
	if err := agent.SetUp(ctx, t); err != nil {
		return 0, err
	}
	wrapped, err := t.GenerateWrapped(ctx, hsm.KeyRef{Label: agent.WrapKeyLabel}, hsm.P256)
	if err != nil {
		return 0, err
	}
	r, err := p11bench.UnwrapSign(ctx, bare, agent.WrapKeyLabel, wrapped)
	return r.PerSecond(), errors.Join(err, t.Close())
}

// peakOf is a process's peak resident memory in kilobytes.
func peakOf(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for text := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(text, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}
