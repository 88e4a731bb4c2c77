package sharevm.disk.layer;

import java.util.List;
import java.util.Map;

/**
 * What a layer says of itself.
 *
 * @param variant the format's variant, as the format names it
 * @param properties further facts in the order to show them
 * @param oddities what is unusual, a sentence each
 */
public record LayerInfo(String variant, Map<String, String> properties, List<String> oddities) {}
