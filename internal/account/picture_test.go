package account_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/media"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

func dot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gone waits until a picture is, or says that it stays.
func gone(t *testing.T, k *accounttest.Kit, id string) bool {
	t.Helper()
	for range 500 {
		_, err := k.Media.Open(t.Context(), id)
		if errs.CodeOf(err) == errs.RouteNotFound {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// Pictures that people had go when they have another one, or are gone themselves, but not
// while somebody else has them; pictures from elsewhere are nobody's to remove.
func TestReplacedPicturesAreCollected(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		upload := func() (id, url string) {
			id, err := k.Account.SavePicture(t.Context(), k.Client, dot(t))
			if err != nil {
				t.Fatal(err)
			}
			return id, k.Account.PublicURL + media.Path + id
		}
		wear := func(name, url string) {
			tokens, _ := k.SignIn(t, name)
			if _, err := k.Account.UpdateProfile(t.Context(), k.Principal(t, tokens), user.Profile{Picture: &url}); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"alice", "carol"} {
			k.User(t, admin.NewUser{Username: name, Password: accounttest.Password})
		}
		first, firstURL := upload()
		second, secondURL := upload()
		third, thirdURL := upload()
		wear("alice", firstURL)
		wear("carol", secondURL)
		wear("alice", secondURL) // the first is nobody's now
		if !gone(t, k, first) {
			t.Error("a replaced picture stays")
		}
		wear("alice", "https://elsewhere.test/a.png")
		wear("alice", thirdURL)
		wear("alice", "https://elsewhere.test/b.png") // the third goes after what was queued before it
		if !gone(t, k, third) {
			t.Error("a picture that was replaced by one from elsewhere stays")
		}
		if _, err := k.Media.Open(t.Context(), second); err != nil {
			t.Errorf("carol has lost her picture: %v", err)
		}
		tokens, _ := k.SignIn(t, "carol")
		carol, err := k.Account.Me(t.Context(), k.Principal(t, tokens))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.InTx(t.Context(), func(ctx context.Context) error { return k.Account.Erase(ctx, carol) }); err != nil {
			t.Fatal(err)
		}
		if !gone(t, k, second) {
			t.Error("the picture of somebody who is gone stays")
		}
	})
}

// Nobody fills the disk: a pool has so much room, and its operator hears when it is full.
func TestUploadsHaveSoMuchRoom(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.MediaBytes = 2*len(dot(t)) + 1 })
		k.Account.OperatorEmail = "ops@example.com"
		for i, want := range []errs.Code{"", "", errs.MediaFull, errs.MediaFull} {
			if _, err := k.Account.SavePicture(t.Context(), k.Client, dot(t)); (err == nil) != (want == "") || (err != nil && errs.CodeOf(err) != want) {
				t.Errorf("picture %d: %v, want %q", i, err, want)
			}
		}
		if m := k.Message(t, "ops@example.com"); m.Template != "media_full" || !strings.Contains(m.Text, "media_bytes") {
			t.Errorf("the operator gets %+v", m)
		}
		if got := strings.TrimSpace(alarms(t, k)); got != "media_full" {
			t.Errorf("alarms %q", got)
		}
	})
}
