package sharevm.app.disk;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import sharevm.app.Arguments;
import sharevm.disk.DiskException;
import sharevm.disk.DiskImage;
import sharevm.disk.DiskImages;
import sharevm.disk.ImageInfo;
import sharevm.disk.OpenOptions;
import sharevm.disk.Snapshot;

/** Says what an image is, and all below it. */
final class InfoCommand implements Callable<Integer> {
  private final PositionalParamSpec image = Arguments.file(0, "IMAGE");
  private final OptionSpec json = Arguments.flag("As JSON.", "--json");
  private final OptionSpec alone = Arguments.flag("Without its parents.", "--alone");

  CommandSpec spec() {
    CommandSpec spec = Arguments.command(this, image, json, alone);
    spec.usageMessage()
        .description("Say what an image is: format, sizes, chain, snapshots, oddities.");
    return spec;
  }

  @Override
  public Integer call() throws DiskException {
    // Only looks, so it may look at what is in use.
    OpenOptions options = Images.reading().unlocked();
    options = Arguments.given(alone) ? options.withoutParents() : options;
    try (DiskImage disk = DiskImages.open(image.getValue(), options)) {
      ImageInfo info = disk.info();
      System.out.print(Arguments.given(json) ? Json.of(map(info)) + "\n" : text(info));
    }
    return 0;
  }

  private static Map<String, Object> map(ImageInfo info) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("file", info.file());
    map.put("format", info.format());
    map.put("variant", info.variant());
    map.put("size", info.size());
    map.put("sectorSize", info.sectorSize());
    map.put("blockSize", info.blockSize());
    map.put("files", info.files());
    map.put("properties", info.properties());
    map.put("oddities", info.oddities());
    map.put("snapshots", info.snapshots().stream().map(InfoCommand::map).toList());
    info.parent().ifPresent(parent -> map.put("parent", map(parent)));
    return map;
  }

  private static Map<String, Object> map(Snapshot snapshot) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("id", snapshot.id());
    map.put("name", snapshot.name());
    map.put("taken", snapshot.taken().toString());
    map.put("diskSize", snapshot.diskSize());
    map.put("stateSize", snapshot.stateSize());
    return map;
  }

  private static String text(ImageInfo info) {
    StringBuilder out = new StringBuilder();
    line(out, "image", info.file());
    line(
        out,
        "format",
        info.format() + (info.variant().equals(info.format()) ? "" : ", " + info.variant()));
    line(out, "disk size", Sizes.text(info.size()));
    info.files().forEach((file, length) -> line(out, "file", file + ", " + Sizes.text(length)));
    line(out, "sector size", Integer.toString(info.sectorSize()));
    if (info.blockSize() > 1) {
      line(out, "block size", Sizes.text(info.blockSize()));
    }
    info.properties().forEach((key, value) -> line(out, key, value));
    for (Snapshot snapshot : info.snapshots()) {
      line(out, "snapshot " + snapshot.id(), snapshot.name() + ", taken " + snapshot.taken());
    }
    List<String> odd = info.oddities();
    odd.forEach(sentence -> line(out, "note", sentence));
    Optional<ImageInfo> parent = info.parent();
    parent.ifPresent(below -> out.append("\nparent\n").append(text(below).indent(2)));
    return out.toString();
  }

  private static void line(StringBuilder out, String key, String value) {
    out.append(String.format("%-18s %s%n", key + ":", value));
  }
}
