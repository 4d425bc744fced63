package provider

import (
	"encoding/base64"
	"testing"
	"unicode/utf8"
)

// Whatever a client sends as sealed data, opening it ends, and what opens is for the app.
func FuzzSealedData(f *testing.F) {
	const key, iv = "c2ltLXNlc3Npb24ta2V5MQ==", "c2ltLWluaXQtdmVjdG9yMQ=="
	f.Add(iv, "dZicj9dv4L62avDC7YvFhLXsYgxVl7MpKGwIQlAbKZCBBqlqmVi5QTVrucnOjgORSwkFcdPLZowP4OMIbC2uJvpf7aISkfi7oOiglLq6G4vwPoCUpMhePQAvigmELvMu/NvsGaZ40iOzAJw6kjzaCY4Ju/zS2Qge+sefV3vAwwXYy4adPyvBi2R0DIRdaIwhn3HK5A2A160hh29tfOWoMw==")
	f.Add(iv, "")
	f.Add("", base64.StdEncoding.EncodeToString(make([]byte, 16)))
	f.Fuzz(func(t *testing.T, iv, sealed string) {
		d, ok := openWeChatData(key, iv, sealed, "wx0000000000000001")
		if ok && d.Watermark.AppID != "wx0000000000000001" {
			t.Errorf("opened %+v", d)
		}
		if !ok && (d != wechatData{}) {
			t.Errorf("did not open, and says %+v", d)
		}
		if !utf8.ValidString(d.NickName + string(d.PurePhoneNumber)) {
			t.Error("opened to noise")
		}
	})
}
