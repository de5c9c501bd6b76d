namespace LeapAlign.Host.Kernel.Pictures;

/// <summary>The mean of a score over pictures, over each task, and over tasks.</summary>
internal sealed class TaskMeans
{
    private readonly SortedDictionary<string, (double Sum, int Count)> _tasks = new(StringComparer.Ordinal);
    private double _sum;
    private int _count;

    /// <summary>The mean of each task that prompts name.</summary>
    public IReadOnlyDictionary<string, double> Tasks => _tasks.ToDictionary(static pair => pair.Key, static pair => pair.Value.Sum / pair.Value.Count);

    public double OverPictures => _sum / _count;

    /// <summary>The mean over the means of tasks, so that a task with many prompts counts as much as one with few; over pictures where no prompt names a task.</summary>
    public double OverTasks => _tasks.Count == 0 ? OverPictures : Tasks.Values.Average();

    public void Add(string? task, double score)
    {
        _sum += score;
        _count++;
        if (task is null) return;
        var (sum, count) = _tasks.GetValueOrDefault(task);
        _tasks[task] = (sum + score, count + 1);
    }
}
