using LeapAlign.Shapes;

namespace LeapAlign.Rewards.GenevalShapes.Judging;

/// <summary>Finds the regions of one colour whose pixels touch by their sides.</summary>
internal static class ConnectedComponents
{
    /// <summary>Finds the regions of object colours.</summary>
    /// <param name="classes">Indices of <see cref="Palette"/>, row by row.</param>
    /// <param name="width">Of a row.</param>
    /// <param name="smallest">Pixels that a region has at least.</param>
    /// <returns>The pixels of each region by colour, within a colour in the order of their first pixels.</returns>
    public static IReadOnlyList<(ShapeColor Color, int[] Pixels)> Find(ReadOnlySpan<byte> classes, int width, double smallest)
    {
        List<(ShapeColor Color, int[] Pixels)> regions = [];
        var seen = new bool[classes.Length];
        var queue = new int[classes.Length];
        for (var first = 0; first < classes.Length; first++)
        {
            if (seen[first] || classes[first] >= Palette.ObjectColors) continue;
            var count = Fill(classes, width, first, seen, queue);
            if (count >= smallest) regions.Add(((ShapeColor)classes[first], queue[..count]));
        }
        return [.. regions.OrderBy(static region => region.Color)];
    }

    /// <summary>Collects the pixels connected with the first.</summary>
    /// <returns>How many; they stand at the beginning of the queue.</returns>
    private static int Fill(ReadOnlySpan<byte> classes, int width, int first, bool[] seen, int[] queue)
    {
        var color = classes[first];
        var count = 1;
        queue[0] = first;
        seen[first] = true;
        for (var next = 0; next < count; next++)
        {
            var pixel = queue[next];
            var column = pixel % width;
            if (column > 0) Take(classes, pixel - 1);
            if (column < width - 1) Take(classes, pixel + 1);
            if (pixel >= width) Take(classes, pixel - width);
            if (pixel < classes.Length - width) Take(classes, pixel + width);
        }
        return count;

        void Take(ReadOnlySpan<byte> all, int pixel)
        {
            if (seen[pixel] || all[pixel] != color) return;
            seen[pixel] = true;
            queue[count++] = pixel;
        }
    }
}
