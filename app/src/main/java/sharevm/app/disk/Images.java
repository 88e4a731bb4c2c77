package sharevm.app.disk;

import sharevm.disk.OpenOptions;
import sharevm.library.HostHoles;

/** How the commands open images: with all that the host can tell and do. */
final class Images {
  private Images() {}

  static OpenOptions reading() {
    return OpenOptions.forReading().withSparse(HostHoles.find());
  }

  static OpenOptions writing() {
    return OpenOptions.forWriting().withSparse(HostHoles.find());
  }
}
