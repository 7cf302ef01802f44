package routing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/signer/appearance"
)

// SetPicture keeps the picture of a person's signature or initial, or of a unit's seal,
// whose owner is the unit. unitID is the unit in which the administrator acts.
func (s *Service) SetPicture(ctx context.Context, unitID string, p Picture) error {
	verb := auth.OfficerEnrol
	if p.Kind == PictureSeal {
		verb = auth.SealEnrol
		if p.OwnerID != unitID {
			return ErrNotFound
		}
	}
	a, err := auth.Require(ctx, verb, unitID)
	if err != nil {
		return err
	}
	ev := s.event(a, "picture.set", p.Kind+":"+p.OwnerID, unitID)
	img, err := appearance.NewImage("Im0", p.PNG, appearance.Plain)
	switch {
	case err != nil:
		return s.refused(ctx, ev, ErrPictureInvalid.Wrap(err))
	case p.Kind != PictureSeal && p.Kind != PictureSignature && p.Kind != PictureInitial:
		return s.refused(ctx, ev, ErrPictureInvalid)
	case p.Kind == PictureSeal && img.Width != img.Height:
		return s.refused(ctx, ev, ErrPictureInvalid)
	case (p.Kind == PictureSeal) != (p.DiameterMM > 0) || p.DiameterMM > 100:
		return s.refused(ctx, ev, ErrSealSize.On("diameter_mm"))
	}
	ev.Detail = map[string]string{"sha256": hexOf(sumOf(string(p.PNG)))}
	if err := s.o.Store.PutPicture(ctx, p, s.o.Now(), ev); err != nil {
		return fmt.Errorf("keep a picture: %w", err)
	}
	return nil
}

// picture reads and decodes a picture.
func (s *Service) picture(ctx context.Context, owner, kind string) (Picture, appearance.Image, error) {
	p, err := s.o.Store.Picture(ctx, owner, kind)
	if err != nil {
		return p, appearance.Image{}, err
	}
	img, err := s.images.decode(p.PNG)
	if err != nil {
		return p, img, errors.Join(ErrPictureInvalid, err)
	}
	return p, img, nil
}

// images remembers pictures that were decoded: a leader signs many documents with one. The
// zero value is ready.
type images struct {
	mu    sync.Mutex
	bySum map[[sha256.Size]byte]appearance.Image
}

// maxImages bounds what is remembered, at some 40 kB each.
const maxImages = 500

func (c *images) decode(png []byte) (appearance.Image, error) {
	sum := sha256.Sum256(png)
	c.mu.Lock()
	img, ok := c.bySum[sum]
	c.mu.Unlock()
	if ok {
		return img, nil
	}
	img, err := appearance.NewImage("Im0", png, appearance.Plain)
	if err != nil {
		return img, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bySum == nil || len(c.bySum) >= maxImages {
		c.bySum = map[[sha256.Size]byte]appearance.Image{}
	}
	c.bySum[sum] = img
	return img, nil
}
