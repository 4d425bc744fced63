package console_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
