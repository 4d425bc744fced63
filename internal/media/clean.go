package media

import (
	"bytes"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"

	"github.com/tigertally/tigertally/internal/errs"
)

// maxPixels bounds what a browser has to unpack; a phone's camera makes fewer.
const maxPixels = 40_000_000

// errBroken says that a file is not what its beginning promises.
var errBroken = errors.New("the file is damaged or cut off")

// format is a kind of picture: how it begins, how its size is read, and how everything
// a picture does not need is left out.
type format struct {
	mime  string
	is    func([]byte) bool
	size  func(io.Reader) (image.Config, error)
	strip func([]byte) ([]byte, error)
}

func formats() []format {
	begins := func(magic string) func([]byte) bool {
		return func(b []byte) bool { return bytes.HasPrefix(b, []byte(magic)) }
	}
	return []format{
		{"image/png", begins(pngMagic), png.DecodeConfig, stripPNG},
		{"image/jpeg", begins("\xff\xd8\xff"), jpeg.DecodeConfig, stripJPEG},
		{"image/gif", func(b []byte) bool { return begins("GIF87a")(b) || begins("GIF89a")(b) }, gif.DecodeConfig, stripGIF},
		{"image/webp", func(b []byte) bool { return begins("RIFF")(b) && len(b) >= 12 && string(b[8:12]) == "WEBP" }, webp.DecodeConfig, stripWebP},
	}
}

// Clean returns the picture in body without place, words and whatever stands behind its
// end, and its media type, which is found by the content alone. It never unpacks pixels.
//
// Errors: ImageInvalid.
func Clean(body []byte) (clean []byte, mime string, err error) {
	refuse := func(why error) ([]byte, string, error) {
		return nil, "", errs.New(errs.ImageInvalid).Because(why)
	}
	if len(body) > MaxSize {
		return refuse(errors.New("too many bytes"))
	}
	for _, f := range formats() {
		if !f.is(body) {
			continue
		}
		size, err := f.size(bytes.NewReader(body))
		if err != nil {
			return refuse(err)
		}
		if size.Width < 1 || size.Height < 1 || int64(size.Width)*int64(size.Height) > maxPixels {
			return refuse(errors.New("no pixels or too many"))
		}
		if clean, err = f.strip(body); err != nil {
			return refuse(err)
		}
		return clean, f.mime, nil
	}
	return refuse(errors.New("no known kind of picture"))
}
