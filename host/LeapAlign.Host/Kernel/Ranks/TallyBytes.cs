namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>Numbers on their way between processes, to the last bit.</summary>
internal static class TallyBytes
{
    /// <summary>Gathers what every process writes, and reads it in the order of ranks; one process alone does the same, so that it computes the same.</summary>
    /// <typeparam name="T">What it is read into.</typeparam>
    /// <param name="ranks">The processes.</param>
    /// <param name="what">What it is.</param>
    /// <param name="write">Writes this process's.</param>
    /// <param name="read">Reads that of a rank.</param>
    /// <param name="into">Takes all.</param>
    public static T Gathered<T>(RunRanks ranks, string what, Action<BinaryWriter> write, Action<BinaryReader, int, T> read, T into)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true)) write(writer);
        var all = ranks.Gather(what, stream.ToArray());
        for (var rank = 0; rank < all.Count; rank++)
        {
            using var reader = new BinaryReader(new MemoryStream(all[rank]));
            read(reader, rank, into);
        }
        return into;
    }

    /// <summary>Writes numbers with their keys.</summary>
    public static void Write(BinaryWriter writer, IReadOnlyCollection<KeyValuePair<int, double>> numbers)
    {
        writer.Write(numbers.Count);
        foreach (var (key, number) in numbers)
        {
            writer.Write(key);
            writer.Write(number);
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static IEnumerable<KeyValuePair<int, double>> ReadNumbers(BinaryReader reader)
    {
        for (var count = reader.ReadInt32(); count > 0; count--) yield return new(reader.ReadInt32(), reader.ReadDouble());
    }
}
