package sharevm.disk;

import java.time.Instant;

/**
 * A disk's content at one time, kept inside the image.
 *
 * @param id the format's identifier, unique in the image
 * @param name what a person called it
 * @param taken when
 * @param diskSize the disk's size then, in bytes
 * @param stateSize the length in bytes of a machine's saved state that belongs to it; 0 for none
 */
public record Snapshot(String id, String name, Instant taken, long diskSize, long stateSize) {}
