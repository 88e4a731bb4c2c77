package sharevm.app.disk;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.Extent;

/** Lists where the parts of a disk are. */
final class MapCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final OptionSpec json = Arguments.flag("As JSON.", "--json");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image, json);
    spec.usageMessage()
        .description("List what is stored where: position, length, kind, layer, place.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    boolean json = this.json.getValue();
    try (DiskImage disk = DiskImages.open(image.getValue(), Images.reading())) {
      String separator = "[\n";
      for (long at = 0; at < disk.size(); ) {
        Extent extent = disk.extent(at, disk.size() - at);
        System.out.print(json ? separator + Json.of(map(extent)) : text(extent));
        separator = ",\n";
        at += extent.length();
      }
      System.out.print(json ? (disk.size() == 0 ? "[]\n" : "\n]\n") : "");
    }
    return 0;
  }

  private static String text(Extent extent) {
    String place = extent.file().isEmpty() ? "" : "  " + extent.file() + " at " + extent.offset();
    return String.format(
        "%16d %14d  %-10s layer %d%s%n",
        extent.position(), extent.length(), extent.kind(), extent.depth(), place);
  }

  private static Map<String, Object> map(Extent extent) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("start", extent.position());
    map.put("length", extent.length());
    map.put("kind", extent.kind());
    map.put("depth", extent.depth());
    if (!extent.file().isEmpty()) {
      map.put("file", extent.file());
      map.put("offset", extent.offset());
    }
    return map;
  }
}
