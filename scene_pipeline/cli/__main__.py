from scene_pipeline.cli import main

main()
