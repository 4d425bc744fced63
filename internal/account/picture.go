package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/media"
)

const pictureJob = "media.collect"

// picture is one that somebody had. It may be anybody's by now.
type picture struct {
	PoolID string `json:"pool"`
	URL    string `json:"url"`
	ID     string `json:"id"`
}

// release queues the removal of a picture that a person has no more, if it was uploaded
// here. It joins ctx's transaction.
func (s *Service) release(ctx context.Context, poolID, url string) error {
	id, ours := strings.CutPrefix(url, s.PublicURL+media.Path)
	if !ours || id == "" || strings.ContainsAny(id, "/?#") {
		return nil
	}
	return s.Jobs.Enqueue(ctx, pictureJob, picture{PoolID: poolID, URL: url, ID: id})
}

// collect removes a picture that was released, unless somebody has it.
func (s *Service) collect(ctx context.Context, payload []byte) error {
	var p picture
	if err := json.Unmarshal(payload, &p); err != nil {
		return job.Permanent(fmt.Errorf("decoding a picture: %w", err))
	}
	used, err := s.Users.Pictured(ctx, p.PoolID, p.URL)
	if err != nil || used {
		return err
	}
	return s.Media.Remove(ctx, p.PoolID, p.ID)
}
