package sdk_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

// The sign-in page of ours sends people to identity providers and back.
func TestHostedPageWithProviders(t *testing.T) {
	needChromium(t)
	testkit.EachWithUpstreams(t, func(t *testing.T, server *testkit.Server) { play(t, server, "hosted.test.mjs") })
}
