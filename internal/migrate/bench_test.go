package migrate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/migrate"
)

// BenchmarkImport brings in people with hashes, at some hundred bytes each.
func BenchmarkImport(b *testing.B) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		b.Run(engine, func(b *testing.B) {
			k := accounttest.New(b, dbtest.Open(b, engine))
			var text strings.Builder
			for i := range b.N {
				fmt.Fprintf(&text, `{"username":"user%07d","phone":"+86138%08d","phone_verified":true,"email":"user%07d@example.com","password_hash":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy","name":"Person %d"}`+"\n", i, i, i, i)
			}
			b.ResetTimer()
			report, err := service(k).Import(b.Context(), admin.Operator("p", "bench"), strings.NewReader(text.String()), migrate.Options{})
			if err != nil || report.Created != int64(b.N) {
				b.Fatalf("%+v, %v", report, err)
			}
		})
	}
}
