namespace LeapAlign.Contracts.Planning;

/// <summary>Counts the multiply-adds of layers on this thread, for plans of devices that are not here. Layers say what they do; nothing is counted unless somebody asks.</summary>
public static class WorkCount
{
    [ThreadStatic]
    private static double t_done;

    [ThreadStatic]
    private static bool t_counts;

    /// <summary>A layer multiplies and adds.</summary>
    /// <param name="rows">Rows of the product.</param>
    /// <param name="inner">Numbers that are added up for each result.</param>
    /// <param name="columns">Columns of the product.</param>
    public static void Add(double rows, double inner, double columns)
    {
        if (t_counts) t_done += rows * inner * columns;
    }

    /// <summary>The multiply-adds of what is done on this thread.</summary>
    /// <param name="work">The work.</param>
    public static double Of(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        (t_counts, t_done) = (true, 0);
        try
        {
            work();
            return t_done;
        }
        finally
        {
            t_counts = false;
        }
    }
}
