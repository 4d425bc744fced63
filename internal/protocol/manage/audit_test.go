package manage_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	names := map[any]any{} // of actors; two records of one millisecond have no order
	for _, item := range items {
		record, _ := item.(map[string]any)
		names[record["actor"]] = record["actor_name"]
		if record["actor"] == "key:"+id {
			in.ids["record"], _ = record["id"].(string)
		}
	}
	if diff := cmp.Diff(map[any]any{"key:" + id: "robot", "key:gone": nil}, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if one := in.do(http.MethodGet, "/pools/{pool}/audit/{record}", ""); one["actor_name"] != "robot" {
		t.Errorf("alone: %v", one)
	}
}
