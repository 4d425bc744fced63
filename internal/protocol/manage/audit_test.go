package manage_test

import (
	"net/http"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/operator"
)

// Records name who acted, by the name people know, as long as there is one.
func TestRecordsNameWhoActed(t *testing.T) {
	in := &installation{t: t, h: server(t), owner: operators()["owner"], ids: map[string]string{"pool": app.DevPool}}
	key := in.do(http.MethodPost, "/api-keys", `{"name":"robot","role":"owner"}`)
	id, _ := key["id"].(string)
	in.owner.Kind, in.owner.ID, in.owner.Scopes = operator.KindKey, id, operator.Owner.Scopes()
	in.do(http.MethodPatch, "/pools/{pool}", `{"name":"By the robot"}`)
	in.owner.ID = "gone"
	in.do(http.MethodPatch, "/pools/{pool}", `{"name":"By somebody gone"}`)
	page := in.do(http.MethodGet, "/pools/{pool}/audit?action=pool.change", "")
	items, _ := page["items"].([]any)
	if len(items) != 2 {
		t.Fatalf("records: %v", page)
	}
	for i, want := range []any{nil, "robot"} { // the newest first
		record, _ := items[i].(map[string]any)
		if record["actor_name"] != want {
			t.Errorf("record %d: %v, want %v", i, record, want)
		}
		in.ids["record"], _ = record["id"].(string)
	}
	if one := in.do(http.MethodGet, "/pools/{pool}/audit/{record}", ""); one["actor_name"] != "robot" {
		t.Errorf("alone: %v", one)
	}
}
