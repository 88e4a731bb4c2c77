package sharevm.disk.vhd;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sharevm.disk.layer.LayerInfo;

/** What there is to say of a VHD. */
final class VhdInfo {
  private VhdInfo() {}

  static LayerInfo of(VhdFooter footer, String variant, List<String> more) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("creator", footer.creatorApplication());
    facts.put(
        "geometry", footer.cylinders() + "/" + footer.heads() + "/" + footer.sectorsPerTrack());
    facts.put("size by", footer.geometryCounts() ? "geometry" : "current size");
    facts.put("unique id", footer.uniqueId().toString());
    facts.put("created", VhdFooter.EPOCH.plusSeconds(footer.timeStamp() & 0xffffffffL).toString());
    List<String> odd = new ArrayList<>(more);
    if (footer.geometryCounts() && footer.geometrySize() != footer.currentSize()) {
      odd.add(
          "Its creator goes by the geometry ("
              + footer.geometrySize()
              + " bytes), other programs by the current size ("
              + footer.currentSize()
              + " bytes).");
    }
    if (footer.size() % (1 << 20) != 0) {
      odd.add("The disk is no whole number of MiB, which Azure asks for.");
    }
    if (footer.savedState()) {
      odd.add("A saved machine state belongs to it; writing to it would break that.");
    }
    return new LayerInfo(variant, facts, odd);
  }
}
