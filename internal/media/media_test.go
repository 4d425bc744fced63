package media_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/webp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/media"
)

const evil = "<script>alert(document.domain)</script>"

// webpFile is a lossless picture of one pixel.
const webpFile = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func square() image.Image {
	m := image.NewPaletted(image.Rect(0, 0, 20, 10), color.Palette{color.White, color.RGBA{R: 200, A: 255}})
	m.SetColorIndex(3, 3, 1)
	return m
}

func pngBytes(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, square()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegBytes(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, square(), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifBytes(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	film := &gif.GIF{Image: []*image.Paletted{square().(*image.Paletted), square().(*image.Paletted)}, Delay: []int{5, 5}}
	if err := gif.EncodeAll(&b, film); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func webpBytes(t *testing.T) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(webpFile)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chunk is a PNG chunk.
func chunk(name, data string) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, name+data...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

func riff(chunks ...string) []byte {
	body := "WEBP" + strings.Join(chunks, "")
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(name, data string) string {
	b := string(binary.LittleEndian.AppendUint32([]byte(name), uint32(len(data)))) + data
	if len(data)%2 == 1 {
		b += "\x00"
	}
	return b
}

// after puts more behind the first n bytes of b.
func after(b []byte, n int, more string) []byte {
	return append(append(bytes.Clone(b[:n]), more...), b[n:]...)
}

// exif is a segment with the place a picture was taken and the side that is up.
func exif(side byte) string {
	tiff := "II*\x00\x08\x00\x00\x00\x02\x00" +
		"\x0f\x01\x02\x00\x10\x00\x00\x00\x00\x00\x00\x00" + "\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(side)) + "\x00\x00\x00" +
		"\x00\x00\x00\x00" + "GPS 31.2N 121.5E " + evil
	data := "Exif\x00\x00" + tiff
	return "\xff\xe1" + string(binary.BigEndian.AppendUint16(nil, uint16(len(data)+2))) + data
}

func decodes(t *testing.T, mime string, b []byte) {
	t.Helper()
	var err error
	switch r := bytes.NewReader(b); mime {
	case "image/png":
		_, err = png.Decode(r)
	case "image/jpeg":
		_, err = jpeg.Decode(r)
	case "image/gif":
		_, err = gif.DecodeAll(r)
	case "image/webp":
		_, err = webp.Decode(r)
	default:
		t.Errorf("media type %q", mime)
	}
	if err != nil {
		t.Errorf("what is kept does not decode: %v", err)
	}
}

func TestCleanKeepsThePictureAndNothingElse(t *testing.T) {
	vp8l := riffChunk("VP8L", string(webpBytes(t)[20:33]))
	for _, tt := range []struct {
		name, mime string
		body       []byte
		plain      []byte // what must be left, nil for whatever decodes
	}{
		{"a png", "image/png", pngBytes(t), pngBytes(t)},
		{"a jpeg", "image/jpeg", jpegBytes(t), jpegBytes(t)},
		{"a film", "image/gif", gifBytes(t), gifBytes(t)},
		{"a webp", "image/webp", webpBytes(t), webpBytes(t)},
		{"html behind a png", "image/png", append(pngBytes(t), evil...), pngBytes(t)},
		{"html in a png", "image/png", after(pngBytes(t), 33, chunk("tEXt", "Comment\x00"+evil)), pngBytes(t)},
		{"an unknown chunk", "image/png", after(pngBytes(t), 33, chunk("evIL", evil)), pngBytes(t)},
		{"html behind a jpeg", "image/jpeg", append(jpegBytes(t), evil...), jpegBytes(t)},
		{"html in a jpeg", "image/jpeg", after(jpegBytes(t), 2, "\xff\xfe\x00\x29"+evil), jpegBytes(t)},
		{"a place in a jpeg", "image/jpeg", after(jpegBytes(t), 2, exif(1)), jpegBytes(t)},
		{"a jpeg on its side", "image/jpeg", after(jpegBytes(t), 2, exif(6)), nil},
		{"html behind a gif", "image/gif", append(gifBytes(t), evil...), gifBytes(t)},
		{"html in a gif", "image/gif", after(gifBytes(t), 13, "!\xfe\x27"+evil+"\x00"), gifBytes(t)},
		{"a jar behind a gif", "image/gif", append(gifBytes(t), "PK\x03\x04META-INF"...), gifBytes(t)},
		{"html behind a webp", "image/webp", append(webpBytes(t), evil...), webpBytes(t)},
		{"html in a webp", "image/webp", riff(vp8l, riffChunk("XMP ", evil)), nil},
		{"a place in a webp", "image/webp", riff(riffChunk("VP8X", "\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00"), vp8l, riffChunk("EXIF", evil)), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clean, mime, err := media.Clean(tt.body)
			if err != nil || mime != tt.mime {
				t.Fatalf("%q, %v", mime, err)
			}
			decodes(t, mime, clean)
			if tt.plain != nil && !bytes.Equal(clean, tt.plain) {
				t.Error(cmp.Diff(tt.plain, clean))
			}
			for _, word := range []string{"script", "GPS", "PK"} {
				if bytes.Contains(clean, []byte(word)) {
					t.Errorf("%q is kept", word)
				}
			}
		})
	}
}

func TestCleanKeepsWhichSideIsUp(t *testing.T) {
	for side := range byte(10) {
		clean, _, err := media.Clean(after(jpegBytes(t), 2, exif(side)))
		if err != nil {
			t.Fatal(err)
		}
		kept := bytes.Contains(clean, []byte("\x01\x12\x00\x03\x00\x00\x00\x01\x00"+string(rune(side))))
		if want := side >= 2 && side <= 8; kept != want {
			t.Errorf("side %d: kept %v", side, kept)
		}
	}
}

// WB-06: what a browser could take for a page or a program is no picture.
func TestWB06CleanRefusesWhatIsNoPicture(t *testing.T) {
	whole := pngBytes(t)
	huge := bytes.Clone(whole[:33])
	binary.BigEndian.PutUint32(huge[16:], 50_000)
	binary.BigEndian.PutUint32(huge[20:], 50_000)
	huge = append(huge[:29], binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(huge[12:29]))...)
	bigGIF := gifBytes(t)
	binary.LittleEndian.PutUint16(bigGIF[6:], 65535)
	binary.LittleEndian.PutUint16(bigGIF[8:], 65535)
	for name, body := range map[string][]byte{
		"nothing":             nil,
		"svg":                 []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"svg with a prologue": []byte("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg onload=\"alert(1)\"/>"),
		"html":                []byte("<!doctype html>" + evil),
		"html called gif":     []byte("GIF89a" + evil),
		"a script called gif": []byte("GIF89a/*\x00\x00*/=1;alert(1)//"),
		"html called png":     []byte("\x89PNG\r\n\x1a\n" + evil),
		"html called jpeg":    []byte("\xff\xd8\xff\xe0" + evil),
		"html called webp":    []byte("RIFF\x10\x00\x00\x00WEBP" + evil),
		"html before a png":   append([]byte(evil), whole...),
		"a pdf":               []byte("%PDF-1.4\n"),
		"a bmp":               []byte("BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00"),
		"half a png":          whole[:len(whole)-13],
		"half a jpeg":         jpegBytes(t)[:300],
		"half a gif":          gifBytes(t)[:40],
		"half a webp":         webpBytes(t)[:30],
		"a bomb":              append(huge, chunk("IEND", "")...),
		"a bomb of a gif":     bigGIF,
		"five megabytes more": append(whole, make([]byte, media.MaxSize+1-len(whole))...),
	} {
		if clean, mime, err := media.Clean(body); errs.CodeOf(err) != errs.ImageInvalid || clean != nil || mime != "" {
			t.Errorf("%s: %q, %v", name, mime, err)
		}
	}
	if _, _, err := media.Clean(append(whole, make([]byte, media.MaxSize-len(whole))...)); err != nil {
		t.Errorf("five megabytes: %v", err)
	}
}

func TestCleanSurvivesNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, whole := range [][]byte{pngBytes(t), jpegBytes(t), gifBytes(t), webpBytes(t), after(jpegBytes(t), 2, exif(6))} {
		for range 3000 {
			b := bytes.Clone(whole)
			for range 1 + r.IntN(4) {
				b[r.IntN(len(b))] = byte(r.IntN(256))
			}
			b = b[:r.IntN(len(b)+1)]
			if clean, _, err := media.Clean(b); err == nil && len(clean) > len(b)+36 {
				t.Fatalf("%d bytes became %d", len(b), len(clean))
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"))
	f.Add([]byte("\xff\xd8\xff\xd9"))
	f.Fuzz(func(t *testing.T, b []byte) {
		clean, mime, err := media.Clean(b)
		if err != nil {
			return
		}
		again, same, err := media.Clean(clean)
		if err != nil || same != mime || !bytes.Equal(again, clean) {
			t.Errorf("cleaning twice: %q, %v", same, err)
		}
	})
}

func TestServiceKeepsPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.UnixMilli(1_800_000_000_000).UTC()
		if _, err := d.Exec(t.Context(), `INSERT INTO pools (id, name, settings, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)`, "dev", "dev", "{}", 0, 0); err != nil {
			t.Fatal(err)
		}
		s := media.New(d, func() time.Time { return now })
		id, mime, err := s.Save(t.Context(), "dev", append(pngBytes(t), evil...), 1<<20)
		if err != nil || mime != "image/png" || len(id) < 26 {
			t.Fatal(id, mime, err)
		}
		got, err := s.Open(t.Context(), id)
		want := media.Picture{ID: id, PoolID: "dev", Mime: "image/png", Body: pngBytes(t), CreatedAt: now}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if err := s.Remove(t.Context(), "other", id); err != nil {
			t.Error(err)
		}
		if _, err := s.Open(t.Context(), id); err != nil {
			t.Errorf("another pool removed it: %v", err)
		}
		if err := s.Remove(t.Context(), "dev", id); err != nil {
			t.Error(err)
		}
		if _, err := s.Open(t.Context(), id); errs.CodeOf(err) != errs.RouteNotFound {
			t.Errorf("a removed picture: %v", err)
		}
		if _, _, err := s.Save(t.Context(), "dev", []byte(evil), 1<<20); errs.CodeOf(err) != errs.ImageInvalid {
			t.Errorf("html: %v", err)
		}
	})
}

func TestAPoolsPicturesHaveSoMuchRoom(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, id := range []string{"dev", "other"} {
			if _, err := d.Exec(t.Context(), `INSERT INTO pools (id, name, settings, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)`, id, id, "{}", 0, 0); err != nil {
				t.Fatal(err)
			}
		}
		s := media.New(d, time.Now)
		one := int64(len(pngBytes(t)))
		save := func(pool string) (string, error) {
			id, _, err := s.Save(t.Context(), pool, pngBytes(t), 2*one+1)
			return id, err
		}
		first, err := save("dev")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []errs.Code{"", errs.MediaFull, errs.MediaFull} {
			if _, err := save("dev"); (err == nil) != (want == "") || (err != nil && errs.CodeOf(err) != want) {
				t.Errorf("picture %d: %v, want %q", i, err, want)
			}
		}
		if _, err := save("other"); err != nil {
			t.Errorf("another pool: %v", err)
		}
		if used, err := s.Used(t.Context(), "dev"); err != nil || used != 2*one {
			t.Errorf("%d bytes used of %d, %v", used, 2*one, err)
		}
		if err := s.Remove(t.Context(), "dev", first); err != nil {
			t.Fatal(err)
		}
		if _, err := save("dev"); err != nil {
			t.Errorf("after one was removed: %v", err)
		}
	})
}
